//! A guide: from a partner's PDF to an endpoint in production, chapter by chapter. There is no code here, only
//! documentation.
//!
//! | chapter | answers |
//! |---|---|
//! | [`mounting`] | How does the layer get into my axum, hyper, tonic or Lambda service? |
//! | [`verifiers`] | How do I ask a database, a directory or an HTTP service? |
//! | [`minting`] | Who makes the tokens that Diyalog asks about? |
//! | [`tenants`] | How do several customers share one deployment? |
//! | [`nodes`] | Which store do several nodes need, and what does a failover lose? |
//! | [`rotation`] | How are keys and secrets changed while the app runs? |
//! | [`proxies`] | What changes behind nginx or a load balancer? How does a proxy ask my app first? |
//! | [`new_platform`] | How do I add a platform that this crate does not know? |
//! | [`testing`] | How do I test my verifier and my app, failures included? |
//! | [`observing`] | What do I log, count and alert on? |
//! | [`production`] | What do I check before going to production? |
//! | [`faults`] | The store is away, a key is lost, a clock is wrong: what happens, and what do I do? |
//!
//! Where to begin depends on what you have:
//!
//! * **A service, and a partner's PDF:** [`mounting`], [`verifiers`], [`testing`]. If the partner is not one of the
//!   three that this crate knows, [`new_platform`] comes first.
//! * **A security review:** the sections "Security" of [`talkdesk`](crate::talkdesk#security),
//!   [`diyalog`](crate::diyalog#security), [`taptalk`](crate::taptalk#security) and [`token`](crate::token#security),
//!   then [`proxies`] and [`production`].
//! * **Forty nodes:** [`nodes`], [`rotation`], [`observing`], [`faults`].
//!
//! # The way of a request
//!
#![doc = "<figure>"]
#![doc = include_str!("request.svg")]
#![doc = "</figure>"]
//!
//! [`VerifyLayer`](crate::VerifyLayer), [`Endpoints`](crate::Endpoints) and [`GuardLayer`](crate::GuardLayer) share
//! this way and differ in its last step. A step that refuses a request ends it: the steps after it do not run, and the
//! platform gets the response of [`Contract::refused`](crate::Contract::refused). Only a positive verdict reaches one
//! of the two functions named `admitted`: the layer chooses between them, and not the endpoint.
//!
//! The picture is `src/guide/request.svg`. `src/guide/draw.sh` draws it from `src/guide/request.dot`.

pub mod faults;
pub mod minting;
pub mod mounting;
pub mod new_platform;
pub mod nodes;
pub mod observing;
pub mod production;
pub mod proxies;
pub mod rotation;
pub mod tenants;
pub mod testing;
pub mod verifiers;
