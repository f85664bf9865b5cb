//! What a platform's contract is to the layer: see [`Endpoint`].
//!
//! The example is a whole platform in a few lines: it sends a badge number in a header and reads `204` as "admitted".
//!
//! ```
//! use bytes::Bytes;
//! use http::{Method, Response, StatusCode, request::Parts};
//! use tower_verify::{Credential, Endpoint, Outcome, Rejection, Route, Secret};
//!
//! struct Badge(Secret);
//!
//! impl Credential for Badge {
//!     type Verdict = bool;
//! }
//!
//! struct BadgeCheck(Route);
//!
//! impl Endpoint for BadgeCheck {
//!     type Credential = Badge;
//!
//!     fn route(&self) -> &Route {
//!         &self.0
//!     }
//!
//!     fn decode(&self, head: &mut Parts, _body: Bytes) -> Result<Badge, Rejection> {
//!         let badge = head.headers.remove("badge").ok_or(Rejection::malformed("there is no badge"))?;
//!         let badge = badge.to_str().map_err(|_| Rejection::malformed("the badge is not text"))?;
//!         Ok(Badge(badge.into()))
//!     }
//!
//!     fn answer(&self, outcome: Outcome<bool>) -> Response<Bytes> {
//!         let mut response = Response::new(Bytes::new());
//!         *response.status_mut() = if outcome.admits() { StatusCode::NO_CONTENT } else { StatusCode::FORBIDDEN };
//!         response
//!     }
//! }
//!
//! let endpoint = BadgeCheck(Route::new(Method::POST, "/badge")?);
//! assert_eq!(endpoint.answer(Outcome::Verdict(true)).status(), 204);
//! assert_eq!(endpoint.answer(Rejection::malformed("no badge").into()).status(), 403);
//! # Ok::<(), tower_verify::ConfigError>(())
//! ```

use bytes::Bytes;
use http::{Response, request::Parts};

use crate::{Credential, Outcome, Rejection, Route};

/// One documented route of one platform: where it is, how its requests are read and how its outcomes are answered.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an `Endpoint`",
    label = "not one of the routes that a platform calls",
    note = "the first argument of `VerifyLayer::new` is the endpoint, the second one its verifier",
    note = "the endpoints of this crate are in `talkdesk`, `diyalog` and `taptalk`; your own implements `Endpoint`"
)]
pub trait Endpoint: Send + Sync + 'static {
    /// What the platform submits to be checked.
    type Credential: Credential;

    /// The method and the path that the platform calls. Asked once, when the layer is made.
    fn route(&self) -> &Route;

    /// Reads the credential from a request. `body` is whole and within the limit.
    ///
    /// What is left in `head` is handed to the verifier beside the credential: a credential that stands in a header or
    /// in the query should be taken out of it, so that a log of the request does not show it. Extensions that a host adds
    /// are left alone: one that keeps the original URI, such as axum's `OriginalUri`, still has its query.
    ///
    /// # Errors
    /// If the request does not have the form that the contract asks for. The verifier is not asked then.
    fn decode(&self, head: &mut Parts, body: Bytes) -> Result<Self::Credential, Rejection>;

    /// Answers every outcome in the platform's vocabulary. Only an outcome that [admits](Outcome::admits) may become
    /// an answer that the platform reads as "admitted".
    ///
    /// The layer adds `Cache-Control: no-store`.
    fn answer(&self, outcome: Outcome<<Self::Credential as Credential>::Verdict>) -> Response<Bytes>;
}
