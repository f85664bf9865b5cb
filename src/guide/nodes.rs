//! Several nodes: what they share, which store they need, and what a failover loses.
//!
//! A verifier that asks your own database needs nothing of this chapter. These parts of the crate keep state:
//!
//! | part | nodes share | in one node's memory instead |
//! |---|---|---|
//! | [`diyalog::Tokens`](crate::diyalog::Tokens), [`token::Signer`](crate::token::Signer) | the key ring | the same: nothing is stored |
//! | [`diyalog::StoredTokens`](crate::diyalog::StoredTokens), [`token::Register`](crate::token::Register) | the key ring and a store | another node refuses the tokens |
//! | [`taptalk::TicketOffice`](crate::taptalk::TicketOffice) | the key ring and a store | another node refuses the tickets |
//! | [`policy::Throttle`](crate::policy::Throttle) | its key and a store | each node counts for itself: with forty nodes, forty times the guesses |
//! | [`policy::Cached`](crate::policy::Cached) | nothing: each node has its own | `invalidate` reaches one node, the others forget after the time to live |
//!
//! # Which store
//!
//! | you have | store | because |
//! |---|---|---|
//! | signed tokens alone | none | share `TOKEN_KEYS`, and nothing else |
//! | one node | [`MemoryStore`](crate::store::MemoryStore) | nothing to run; a restart ends every login, forgets the failures, and gives TapTalk's users new ids |
//! | several nodes, and a lost login is an annoyance | `RedisStore`, with Sentinel or Cluster | it is fast and goes on by itself after a failover |
//! | several nodes, and nothing may be redeemed twice | `PostgresStore`, with a synchronous standby if there is one | what it confirmed is on disk |
//! | something else | your own [`Store`](crate::store::Store) | five operations, checked by [`store::conformance`](crate::store::conformance) |
//!
//! Choose it at run time with a [`SharedStore`](crate::store::SharedStore). In memory, give the throttle a store of its
//! own, so that neither it nor the logins can fill the other's room. In Redis they can share one.
//! [`Throttle::max_accounts`](crate::policy::Throttle::max_accounts) bounds what guesses can take.
//!
//! ```
//! use tower_verify::{BoxError, store::{MemoryStore, SharedStore}};
//!
//! async fn store(redis_url: Option<&str>) -> Result<SharedStore, BoxError> {
//!     let Some(url) = redis_url else { return Ok(SharedStore::new(MemoryStore::new())) };
//! #   #[cfg(not(feature = "redis"))]
//! #   return Err(format!("{url}: this needs the feature `redis`").into());
//! #   #[cfg(feature = "redis")]
//!     Ok(SharedStore::new(tower_verify::store::RedisConfig::new(url)?.prefix("verify:").connect().await?))
//! }
//! # futures::executor::block_on(async {
//! store(None).await?;
//! # Ok::<(), BoxError>(()) }).unwrap();
//! ```
//!
//! `RedisConfig` takes one server, a primary that Sentinel names, or a cluster; `PostgresConfig` takes several hosts,
//! and uses the first one that can be written to.
//!
//! A store that is away or full means "no verdict". One setting changes that, for the throttle:
//! [`Throttle::fail_open`](crate::policy::Throttle::fail_open), off by default.
//!
//! The axum example runs on any number of nodes:
//!
//! ```console
//! $ REDIS_URL=redis://127.0.0.1/ TOKEN_KEYS=a:$(head -c 32 /dev/urandom | base64) cargo run --example axum --features redis
//! ```
//!
//! # Equal on all nodes
//!
//! * the keys of the ring (while they change, see [`rotation`](super::rotation)),
//! * the key and `max_accounts` of a throttle, the key of [`Pseudonyms`](crate::observe::Pseudonyms) whose logs are
//!   read together,
//! * `tenant`, and the time to live of a `Register`,
//! * the clocks, to a few seconds: run NTP. Tokens expire by the node's clock, rows in PostgreSQL and keys in Redis by
//!   the server's.
//!
//! # When Redis fails
//!
//! This was measured with three nodes of the axum example (real processes, one Redis, every kind of call with good and
//! bad credentials at once; `cargo test --features redis --test processes -- --nocapture`). In each fault every call
//! was answered in the platform's own vocabulary, nothing was admitted that should not be, and no ticket was redeemed
//! twice:
//!
//! | fault | calls | without a verdict | longest wait for an answer | service whole again after |
//! |---|---|---|---|---|
//! | its connections dropped, 20 times in 2 s | 8,711 | 51 | 0.3 s | 12 ms |
//! | killed for 2 s, back empty | 3,954 | 23 | 2.5 s | 0.4 s |
//! | paused for 7 s | 4,242 | 71, and 1 throttled | 5.0 s, the layer's deadline | 0.1 s |
//! | out of memory for 3 s | 11,350 | 3,750 | 0.2 s | 20 ms |
//!
//! # When a primary is lost
//!
//! Then it matters what it had confirmed. Measured with eight writers of tickets and a primary that is killed 20 times
//! (`cargo bench --bench failover --features redis,postgres`):
//!
//! | what is killed 20 times | writes confirmed | of them lost | redeemed | of them twice |
//! |---|---:|---:|---:|---:|
//! | Redis alone, nothing on disk | 77,124 | 36,625 | 38,584 | 0 |
//! | Redis alone, `appendfsync always` | 59,107 | 0 | 29,588 | 0 |
//! | Redis with Sentinel | 622,680 | 52,001 | 311,435 | 0 |
//! | Redis with Sentinel, `wait_for_replicas(1)` | 72,949 | 0 | 36,504 | 0 |
//! | PostgreSQL | 69,341 | 0 | 34,695 | 0 |
//!
//! **For strict single use choose PostgreSQL**, with a synchronous standby if there is one: what it confirmed is on
//! disk. Redis with `appendfsync always` keeps what it confirmed as well, and is one server. Redis with Sentinel goes
//! on by itself, and its replication is asynchronous: a ticket that was written right before the failover is lost,
//! which costs a login, and one that was redeemed right before it can be redeemed again.
//! `RedisConfig::wait_for_replicas(1)` makes both rare.
//!
//! Two more things can make a used ticket usable again: a Redis that evicts (set `maxmemory-policy noeviction`, which
//! is its default), and a snapshot that is restored ([what to do then](super::faults#the-store-is-away)).
