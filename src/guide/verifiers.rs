//! Verifiers on a database, a directory and an HTTP service.
//!
//! A [`Verifier`](crate::Verifier) returns a verdict, or an error when it cannot know. The difference matters:
//!
//! * `Ok` of a negative verdict says that the credential is bad. The platform refuses its user, and a throttle counts
//!   the attempt.
//! * `Err` says that nothing is known: the database is away, the answer of a service is not one that you expect. The
//!   platform gets its word for "no verdict", which does not admit, and your log gets the error. So use `?` on every
//!   error, and never turn one into a denial. The text of an error goes to the log: no credential may be in it.
//!
//! # A database
//!
//! The credential's fields are [`Secret`](crate::Secret)s: bind them by `expose_secret()`, and do not build SQL of
//! them. Store a hash of each token, so that somebody who reads the table cannot use it. SHA-256 is enough for a token
//! of 128 random bits; a password needs a slow, salted hash such as Argon2, computed in `spawn_blocking` as below.
//!
//! ```
//! use http::Request;
//! use sha2::{Digest, Sha256};
//! use sqlx::SqlitePool;
//! use tower_verify::{
//!     BoxError, Clock, SystemClock, Verifier,
//!     diyalog::{CustomerToken, CustomerVerdict},
//! };
//!
//! struct Bank {
//!     pool: SqlitePool,
//! }
//!
//! impl Verifier<CustomerToken> for Bank {
//!     async fn verify(&self, request: Request<CustomerToken>) -> Result<CustomerVerdict, BoxError> {
//!         let asked = request.into_body();
//!         let hash = Sha256::digest(asked.dlg_token.expose_secret()).to_vec();
//!         let found = sqlx::query_as("SELECT device_id, expires_at FROM tokens WHERE hash = ? AND customer_no = ?")
//!             .bind(hash)
//!             .bind(asked.customer_no.expose_secret())
//!             .fetch_optional(&self.pool)
//!             .await?; // no verdict
//!         let Some((device_id, expires_at)): Option<(String, i64)> = found else {
//!             return Ok(CustomerVerdict::InvalidToken);
//!         };
//!         if asked.device_id != *device_id {
//!             return Ok(CustomerVerdict::InvalidDeviceId);
//!         }
//!         let now = i64::try_from(SystemClock.unix_millis())?;
//!         Ok(if now < expires_at { CustomerVerdict::Validated } else { CustomerVerdict::ExpiredToken })
//!     }
//! }
//!
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! # let pool = sqlx::sqlite::SqlitePoolOptions::new().max_connections(1).connect("sqlite::memory:").await?;
//! # sqlx::query("CREATE TABLE tokens (hash BLOB PRIMARY KEY, customer_no TEXT, device_id TEXT, expires_at INTEGER)")
//! #     .execute(&pool).await?;
//! # for (token, expires_at) in [("2121sa", i64::MAX), ("1919sa", 0)] {
//! #     sqlx::query("INSERT INTO tokens VALUES (?, '1234567', '1234', ?)")
//! #         .bind(Sha256::digest(token).to_vec()).bind(expires_at).execute(&pool).await?;
//! # }
//! let bank = Bank { pool: pool.clone() };
//! for (device_id, token, verdict) in [
//!     ("1234", "2121sa", CustomerVerdict::Validated),
//!     ("another", "2121sa", CustomerVerdict::InvalidDeviceId),
//!     ("1234", "1919sa", CustomerVerdict::ExpiredToken),
//!     ("1234", "' OR 1 = 1 --", CustomerVerdict::InvalidToken),
//! ] {
//!     let asked = CustomerToken::new(device_id, token, "1234567");
//!     assert_eq!(bank.verify(Request::new(asked)).await?, verdict);
//! }
//!
//! pool.close().await;
//! let asked = CustomerToken::new("1234", "2121sa", "1234567");
//! assert!(bank.verify(Request::new(asked)).await.is_err()); // and not `InvalidToken`
//! # Ok::<(), BoxError>(()) }).unwrap();
//! ```
//!
//! Where a table has the token itself, select it by the account and compare in the app: `Secret::from(row.token) ==
//! asked.dlg_token` takes the same time wherever the texts differ, and `==` on a `String` does not. Set the pool's
//! timeouts (sqlx's `acquire_timeout`, 30 s by default) below the layer's deadline of 5 s: the event then says `error`
//! and names the database, instead of `deadline_exceeded`.
//!
//! # A directory, or any other blocking client
//!
//! A blocking call in an `async fn` stops every other task of its thread, and the deadline cannot end it. Run it in
//! `spawn_blocking`. The deadline gives up *waiting* for it, but the call goes on: give the client a timeout of its
//! own, and let the permit of a semaphore go with the call, so that a slow directory cannot occupy all of tokio's
//! blocking threads.
//!
//! ```
//! use std::sync::Arc;
//!
//! use http::Request;
//! use tokio::{sync::Semaphore, task::spawn_blocking};
//! use tower_verify::{
//!     BoxError, Verifier,
//!     talkdesk::{AuthVerdict, Credentials, Parameters},
//! };
//!
//! /// The part of an LDAP client that is needed here. It blocks.
//! trait Directory: Send + Sync + 'static {
//!     /// Binds as this user. `Ok(false)` is the result code `invalidCredentials`; every other one is an error.
//!     fn bind(&self, dn: &str, password: &str) -> Result<bool, BoxError>;
//! }
//!
//! struct Staff<D> {
//!     directory: Arc<D>,
//!     permits: Arc<Semaphore>,
//! }
//!
//! impl<D: Directory> Verifier<Credentials> for Staff<D> {
//!     async fn verify(&self, request: Request<Credentials>) -> Result<AuthVerdict, BoxError> {
//!         let auth = request.body();
//!         let (Some(user), Some(password)) = (auth.text("username"), auth.text("password")) else {
//!             return Ok(AuthVerdict::Denied);
//!         };
//!         // Only plain names get into a DN. A bind without a password may succeed for every user (RFC 4513, 5.1.2).
//!         let plain = user.expose_secret().bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.');
//!         if user.is_empty() || !plain || password.is_empty() {
//!             return Ok(AuthVerdict::Denied);
//!         }
//!         let dn = format!("uid={},ou=people,dc=example,dc=com", user.expose_secret());
//!         let (directory, password) = (Arc::clone(&self.directory), password.clone());
//!         let permit = Arc::clone(&self.permits).acquire_owned().await?;
//!         let bound = spawn_blocking(move || {
//!             let bound = directory.bind(&dn, password.expose_secret());
//!             drop(permit);
//!             bound
//!         });
//!         // The first `?` is for a panic in there, the second one for the directory's error.
//!         Ok(if bound.await?? { AuthVerdict::Granted(Parameters::new()) } else { AuthVerdict::Denied })
//!     }
//! }
//!
//! # struct Ann;
//! # impl Directory for Ann {
//! #     fn bind(&self, dn: &str, password: &str) -> Result<bool, BoxError> {
//! #         match dn {
//! #             "uid=ann,ou=people,dc=example,dc=com" => Ok(password.is_empty() || password == "605b32dd"),
//! #             _ => Err("the directory is away".into()),
//! #         }
//! #     }
//! # }
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! # let staff = Staff { directory: Arc::new(Ann), permits: Arc::new(Semaphore::new(32)) };
//! # let ask = |user, password| {
//! #     let auth = Credentials::new().with("username", user).with("password", password);
//! #     staff.verify(Request::new(auth))
//! # };
//! assert!(matches!(ask("ann", "605b32dd").await?, AuthVerdict::Granted(_)));
//! assert!(matches!(ask("ann", "wrong").await?, AuthVerdict::Denied));
//! assert!(matches!(ask("ann", "").await?, AuthVerdict::Denied));
//! assert!(matches!(ask("ann,ou=admins", "605b32dd").await?, AuthVerdict::Denied));
//! # assert!(ask("bob", "605b32dd").await.is_err());
//! # Ok::<(), BoxError>(()) }).unwrap();
//! ```
//!
//! # An HTTP service
//!
//! Give a verdict only for the answers that the service documents. Everything else is an error: a `401` means that
//! *your* credential for the service is wrong, and not the partner's. Send the credential in the body, as URLs are
//! logged.
//!
//! ```
//! use bytes::Bytes;
//! use http::{Request, StatusCode, Uri};
//! use http_body_util::Full;
//! use hyper_util::{client::legacy::{Client, connect::HttpConnector}, rt::TokioExecutor};
//! use serde_json::json;
//! use tower_verify::{
//!     BoxError, Verifier,
//!     diyalog::{AgentToken, AgentVerdict},
//! };
//!
//! struct Agents {
//!     client: Client<HttpConnector, Full<Bytes>>,
//!     service: Uri,
//! }
//!
//! impl Verifier<AgentToken> for Agents {
//!     async fn verify(&self, request: Request<AgentToken>) -> Result<AgentVerdict, BoxError> {
//!         let asked = request.into_body();
//!         let body = json!({
//!             "agent": asked.user_no.expose_secret(),
//!             "session": asked.session_id.expose_secret(),
//!             "token": asked.token.expose_secret(),
//!         });
//!         let request = Request::post(&self.service).header("content-type", "application/json");
//!         let answer = self.client.request(request.body(Full::from(body.to_string()))?).await?;
//!         match answer.status() {
//!             StatusCode::NO_CONTENT => Ok(AgentVerdict::validated(asked.user_no)),
//!             StatusCode::NOT_FOUND => Ok(AgentVerdict::InvalidToken),
//!             StatusCode::GONE => Ok(AgentVerdict::ExpiredToken),
//!             other => Err(format!("the agents' service answered {other}").into()),
//!         }
//!     }
//! }
//!
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! # let service = axum::Router::new().fallback(|body: String| async move {
//! #     match body.contains("b1f0") {
//! #         true => StatusCode::NO_CONTENT,
//! #         false => StatusCode::UNAUTHORIZED,
//! #     }
//! # });
//! # let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
//! # let address = listener.local_addr()?;
//! # tokio::spawn(async move { axum::serve(listener, service).await });
//! # let service = format!("http://{address}/check").parse()?;
//! let client = Client::builder(TokioExecutor::new()).build_http();
//! let agents = Agents { client, service };
//! let good = AgentToken::new("s-7", "b1f0", "45186");
//! assert_eq!(agents.verify(Request::new(good)).await?, AgentVerdict::validated("45186"));
//! # assert!(agents.verify(Request::new(AgentToken::new("s-7", "other", "45186"))).await.is_err());
//! # Ok::<(), BoxError>(()) }).unwrap();
//! ```
//!
//! At the deadline, and when the caller hangs up, the verifier's future is dropped, and the request to the service with
//! it. A write that must happen all the same belongs in a task of its own, by `tokio::spawn`.
//!
//! # Retries, limits, load shedding
//!
//! [`ServiceVerifier`](crate::policy::ServiceVerifier) makes a verifier of a Tower service, so that tower's `retry`,
//! `concurrency_limit`, `load_shed`, `timeout` and `buffer` apply to verification. Its documentation has a stack of
//! them, and what each looks like in the events. [`Cached`](crate::policy::Cached) spares the database the same
//! question twice, and [`Throttle`](crate::policy::Throttle) slows down guessing.
//!
//! # What not to do
//!
//! * Do not hold a lock of `std`, an `Rc` or a `RefCell`'s borrow across an `.await`: it does not compile.
//! * Do not tell an unknown user from a wrong password, by another verdict or by time: hash a password for the unknown
//!   user too.
//! * Do not log the request with its extensions. Credentials are taken out of it, but hosts keep copies of the URI
//!   there, such as axum's `OriginalUri`.
