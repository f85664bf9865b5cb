//! Minting the tokens that Diyalog asks about.
//!
//! Diyalog asks whether a token is good, and *you* made the token: when your app logged a customer in, or when your
//! agent application opened the iframe. [`diyalog::Tokens`](crate::diyalog::Tokens) makes both kinds and verifies them.
//! It signs them with a [`KeyRing`](crate::token::KeyRing) and stores nothing.
//!
//! ```
//! use axum::{Json, Router, body::Body, extract::State, http::StatusCode, routing::post};
//! use http::Request;
//! use serde_json::{Value, json};
//! use tower::ServiceExt;
//! use tower_verify::{
//!     BoxError, Endpoints, VerifyLayer,
//!     diyalog::{AgentEndpoint, CustomerEndpoint, Tokens},
//!     token::KeyRing,
//! };
//!
//! async fn log_in(State(tokens): State<Tokens>, Json(device): Json<Value>) -> Result<Json<Value>, StatusCode> {
//!     // Your own login comes first: here it has found out that this is customer 1234567.
//!     let customer_no = "1234567";
//!     let device_id = device["deviceId"].as_str().ok_or(StatusCode::BAD_REQUEST)?;
//!     let issued = tokens.customer_token(customer_no, device_id).map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
//!     Ok(Json(json!({"dlgToken": issued.token.expose_secret()})))
//! }
//!
//! # futures::executor::block_on(async {
//! let keys = KeyRing::generate()?; // one node; on several: KeyRing::from_env("TOKEN_KEYS")?
//! let tokens = Tokens::new("example.com", keys)?;
//! let endpoints = Endpoints::new()
//!     .with(VerifyLayer::new(CustomerEndpoint::new(), tokens.clone()))?
//!     .with(VerifyLayer::new(AgentEndpoint::new(), tokens.clone()))?;
//! let app = Router::new().route("/login", post(log_in)).with_state(tokens).layer(endpoints);
//!
//! # async fn text(answer: axum::response::Response) -> Result<String, BoxError> {
//! #     Ok(String::from_utf8(axum::body::to_bytes(answer.into_body(), 1000).await?.into())?)
//! # }
//! let login = Request::post("/login").header("content-type", "application/json");
//! let answer = app.clone().oneshot(login.body(Body::from(r#"{"deviceId": "1234"}"#))?).await?;
//! let dlg_token = serde_json::from_str::<Value>(&text(answer).await?)?["dlgToken"].clone();
//!
//! let mut call = json!({"deviceId": "1234", "dlgToken": dlg_token, "customerNo": "1234567"});
//! let answer = app.clone().oneshot(Request::post("/checkauthtoken").body(Body::from(call.to_string()))?).await?;
//! assert_eq!(text(answer).await?, "Validated");
//!
//! call["deviceId"] = json!("another");
//! let answer = app.oneshot(Request::post("/checkauthtoken").body(Body::from(call.to_string()))?).await?;
//! assert_eq!(text(answer).await?, "InvalidDeviceId");
//! # Ok::<(), BoxError>(()) }).unwrap();
//! ```
//!
//! The customer's number comes from your session, never from the request: a caller that could choose it could log in as
//! anybody. The device's id is what the app says.
//!
//! # The key
//!
//! Nodes that verify each other's tokens share the key ring. Its text is `id:base64`, as in
//!
//! ```console
//! $ export TOKEN_KEYS=2026-07:$(openssl rand -base64 32)
//! ```
//!
//! `KeyRing::generate` makes a key that dies with the process, for tests and for a single node whose users may log in
//! again after a restart. [`rotation`](super::rotation) says how a key is changed.
//!
//! # Signed or stored
//!
//! | | [`Tokens`](crate::diyalog::Tokens) | [`StoredTokens`](crate::diyalog::StoredTokens), made by `tokens.store(store)` |
//! |---|---|---|
//! | nodes share | the key ring | the key ring and a [`Store`](crate::store::Store) |
//! | one customer's tokens can be revoked | no, only by removing the key for everybody | yes: `revoke_customer`, `revoke_agent` |
//! | single use | no | yes: `single_use_with_grace` |
//! | the store is away | does not matter | no token is made, and no good one gets a verdict |
//! | the store comes back empty | does not matter | its tokens are `InvalidToken`, and users log in again |
//!
//! Signed tokens are enough for most: they live for five minutes, and are bound to the customer and the device. Diyalog
//! may ask about one activation more than once, so that single use needs a time of grace:
//!
//! ```
//! use std::time::{Duration, SystemTime};
//!
//! use http::Request;
//! use tower_verify::{
//!     BoxError, ManualClock, Verifier,
//!     diyalog::{CustomerToken, CustomerVerdict, Tokens},
//!     store::MemoryStore,
//!     token::KeyRing,
//! };
//!
//! # futures::executor::block_on(async {
//! let clock = ManualClock::new(SystemTime::now());
//! let tokens = Tokens::new("example.com", KeyRing::generate()?)?
//!     .clock(clock.clone())
//!     .store(MemoryStore::new().clock(clock.clone()))
//!     .single_use_with_grace(Duration::from_secs(60));
//!
//! let token = tokens.customer_token("1234567", "1234").await?.token;
//! let ask = || tokens.verify(Request::new(CustomerToken::new("1234", token.clone(), "1234567")));
//! assert_eq!(ask().await?, CustomerVerdict::Validated);
//! assert_eq!(ask().await?, CustomerVerdict::Validated); // the same activation, asked about again
//! clock.advance(Duration::from_secs(61));
//! assert_eq!(ask().await?, CustomerVerdict::InvalidToken);
//!
//! let token = tokens.customer_token("1234567", "1234").await?.token;
//! tokens.revoke_customer("1234567").await?;
//! # let ask = || tokens.verify(Request::new(CustomerToken::new("1234", token.clone(), "1234567")));
//! assert_eq!(ask().await?, CustomerVerdict::InvalidToken);
//! # Ok::<(), BoxError>(()) }).unwrap();
//! ```
//!
//! # How long
//!
//! A token is used within seconds of being made. The default of 300 s is enough for a slow network;
//! [`Tokens::ttl`](crate::diyalog::Tokens::ttl) sets another time. The verifying node's wall clock decides, without a
//! tolerance: a node whose clock is five minutes fast refuses every new token as expired.
//!
//! # Other platforms' tokens
//!
//! * TapTalk's tickets, access tokens and refresh tokens are made by [`TicketOffice`](crate::taptalk::TicketOffice).
//! * Tokens of your own, for a guard or for a platform that you add, are made by a [`Signer`](crate::token::Signer),
//!   and by a [`Register`](crate::token::Register) if they must be revoked or used once.
//! * Talkdesk stores the parameters that your verifier grants, and presents them with every later call. Return a token
//!   that you can revoke: see [its security notes](crate::talkdesk#security).
