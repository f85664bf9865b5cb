//! Rotating keys and secrets while the app runs, without refusing anybody.
//!
//! The rule is the same for all of them: **the side that checks knows the new value before the side that sends uses it,
//! and knows the old one until nobody sends it.**
//!
//! | secret | who sends, who checks | live values at a time |
//! |---|---|---|
//! | key of a [`KeyRing`](crate::token::KeyRing) | your nodes sign, your nodes check | one signs, any number verify |
//! | [`CallerSecret`](crate::CallerSecret) | the platform sends it, you check | any number |
//! | [`ApiKeys`](crate::taptalk::ApiKeys) of TapTalk's backends and apps | they send it, you check | any number, several of one id too |
//! | key of a [`Throttle`](crate::policy::Throttle), of [`Pseudonyms`](crate::observe::Pseudonyms) | nobody sends it | one |
//!
//! # A key that signs
//!
//! With the keys in `TOKEN_KEYS`, rotation is four values. Roll each out to **every** node before the next one:
//!
//! | step | `TOKEN_KEYS` | why |
//! |---|---|---|
//! | | `old:…` | |
//! | 1 | `old:…,new:…` | every node can check what the new key will sign |
//! | 2 | `new:…,old:…` | the first key signs |
//! | 3 | wait | for the longest life of a token: 300 s for Diyalog's, 30 days for TapTalk's refresh tokens, unless you set another |
//! | 4 | `new:…` | |
//!
//! Without step 1, a node that has not got the new key yet denies the tokens of one that has. A process that re-reads
//! its configuration need not restart: `rotate` replaces the keys in the ring and in all of its clones, and no check
//! waits.
//!
//! ```
//! use http::Request;
//! use tower_verify::{
//!     BoxError, Verifier,
//!     diyalog::{CustomerToken, CustomerVerdict, Tokens},
//!     token::{Key, KeyRing},
//! };
//!
//! # futures::executor::block_on(async {
//! let (old, new) = (Key::generate()?.to_text(), Key::generate()?.to_text()); // from where your secrets are
//! let (old, new) = (old.expose_secret(), new.expose_secret());
//! let (one, two) = (KeyRing::parse(old)?, KeyRing::parse(old)?); // the rings of two nodes
//! let (on_one, on_two) = (Tokens::new("example.com", one.clone())?, Tokens::new("example.com", two.clone())?);
//! # async fn asked(node: &Tokens, token: &tower_verify::Secret) -> Result<CustomerVerdict, BoxError> {
//! #     node.verify(Request::new(CustomerToken::new("1234", token.clone(), "1234567"))).await
//! # }
//!
//! let by_old = on_one.customer_token("1234567", "1234")?.token;
//! one.rotate(KeyRing::parse(&format!("{old},{new}"))?); // step 1, node by node
//! two.rotate(KeyRing::parse(&format!("{old},{new}"))?);
//! one.rotate(KeyRing::parse(&format!("{new},{old}"))?); // step 2, node by node
//! let by_new = on_one.customer_token("1234567", "1234")?.token;
//! assert_eq!(asked(&on_two, &by_new).await?, CustomerVerdict::Validated);
//! assert_eq!(asked(&on_two, &by_old).await?, CustomerVerdict::Validated);
//! two.rotate(KeyRing::parse(&format!("{new},{old}"))?);
//! one.rotate(KeyRing::parse(new)?); // step 4
//! assert_eq!(asked(&on_one, &by_old).await?, CustomerVerdict::InvalidToken);
//! # Ok::<(), BoxError>(()) }).unwrap();
//! ```
//!
//! [`KeyRing::with_previous`](crate::token::KeyRing::with_previous) sets the time at which the old key stops verifying,
//! so that step 4 cannot be forgotten. A node that is alone needs no steps:
//! [`KeyRing::sign_with`](crate::token::KeyRing::sign_with) adds the new key and sets the old one's time.
//! [`record_keys`](crate::observe::record_keys) makes the ages of the keys metrics;
//! an alert in `examples/operate` fires when a key is older than 90 days.
//!
//! **A key that leaked** is removed from every node at once, without waiting: its holder can sign tokens for anybody.
//! All tokens that it signed are refused from then on, and users log in again.
//!
//! # The caller's secret
//!
//! Two values are live, the platform changes over, and the old one goes. A layer's values are fixed when it is built,
//! which suits a restart. To change them in a running process, have the layer ask for them at each call:
//!
//! ```
//! use std::sync::{Arc, RwLock};
//!
//! use tower_verify::{CallerSecret, VerifyLayer, diyalog::{AUTH_TOKEN, CustomerEndpoint}};
//! # use tower::ServiceExt;
//! # use tower_verify::{BoxError, diyalog::{CustomerToken, CustomerVerdict}, verifier_fn};
//! # let bank = verifier_fn(|_: http::Request<CustomerToken>| async { Ok::<_, BoxError>(CustomerVerdict::Validated) });
//!
//! # futures::executor::block_on(async {
//! let live = Arc::new(RwLock::new(CallerSecret::new(AUTH_TOKEN, ["the-one-until-now"])?));
//! let layer = VerifyLayer::new(CustomerEndpoint::new(), bank).caller_secret_by({
//!     let live = Arc::clone(&live);
//!     move |_| live.read().ok().map(|live| live.clone()) // clones share the values
//! });
//!
//! // Where the configuration is read again:
//! *live.write().map_err(|_| "another thread panicked")? = CallerSecret::new(AUTH_TOKEN, ["the-new-one", "the-one-until-now"])?;
//! # let call = |secret| {
//! #     let call = http::Request::post("/").header(AUTH_TOKEN, secret).body("{}".to_owned()).unwrap();
//! #     layer.clone().into_service().oneshot(call)
//! # };
//! # for (secret, status) in [("the-new-one", 200), ("the-one-until-now", 200), ("another", 401)] {
//! #     let Ok(answer) = call(secret).await;
//! #     assert_eq!(answer.status(), status);
//! # }
//! # Ok::<(), BoxError>(()) }).unwrap();
//! ```
//!
//! The old value is not used any more when no call is `unknown_caller` after it is gone. That outcome is the one to
//! watch while you remove it: see [`observing`](super::observing).
//!
//! # TapTalk's keys
//!
//! `ApiKeys::rotate` replaces the keys of all clones while they are in use. Two keys of one id may be live, so that a
//! backend keeps its id and changes its secret:
//!
//! ```
//! use tower_verify::taptalk::{ApiKey, ApiKeys};
//!
//! let keys = ApiKeys::new([ApiKey::new("backend", "the-secret-until-now")])?;
//! // .. TicketOffice::new(..)?.server_keys(keys.clone()) ..
//! keys.rotate(ApiKeys::new([
//!     ApiKey::new("backend", "the-secret-until-now"),
//!     ApiKey::new("backend", "the-new-secret"),
//! ])?);
//! # Ok::<(), tower_verify::ConfigError>(())
//! ```
//!
//! # Keys that nobody sends
//!
//! A new key of a throttle counts from zero, as all names in the store change. A new key of the pseudonyms gives
//! everybody another name in the logs: keep the old one for as long as the logs that were written under it.
