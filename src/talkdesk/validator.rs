use std::{fmt, marker::PhantomData};

use bytes::Bytes;
use http::{Method, Response, StatusCode, request::Parts};
use serde::de::DeserializeOwned;

use super::{Auth, Credentials, Fields, Parameters, decode, refusal::Refusal};
use crate::{ConfigError, Contract, Credential, Endpoint, Outcome, Rejection, Route, Verdict, wire::response};

/// The verdict on the credentials with which an integration is activated. [`Validator`] has an example.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum AuthVerdict {
    /// The credentials are valid. Talkdesk stores the parameters and sends them with all later calls.
    Granted(Parameters),
    /// The credentials are not valid.
    Denied,
}

impl Verdict for AuthVerdict {
    fn admits(&self) -> bool {
        matches!(self, Self::Granted(_))
    }
}

/// `POST /auth`: Talkdesk's check of the credentials with which a user activates an integration.
///
/// | outcome | response |
/// |---|---|
/// | granted | `200` and the [`Parameters`] as a flat JSON object, `{}` if there are none |
/// | denied | `401` |
/// | no verdict | `401`, or [another status](Self::no_verdict_status); with `Retry-After` if the verifier was not called because of too many failed attempts |
/// | malformed | `400` |
/// | body too large | `413` |
/// | caller without the [secret](crate::CallerSecret) required of it | `401` |
///
/// Every refusal is a JSON object with RFC 6749's `error` and `error_description`. Every `401` has a challenge in
/// `WWW-Authenticate`.
///
/// The request's `Content-Type` and the members of the body other than `auth` do not matter. A request is malformed if
/// a field of `auth` is given twice, or if its value is not a string, an integer of 64 bits or a boolean.
///
/// Source: Talkdesk's "Authorization Validator".
///
/// ```
/// use axum::{Router, routing::get};
/// use http::Request;
/// use http_body_util::BodyExt;
/// use tower::ServiceExt;
/// use tower_verify::{
///     BoxError, VerifyLayer,
///     talkdesk::{AuthVerdict, Credentials, Parameters, Validator},
///     verifier_fn,
/// };
///
/// # futures::executor::block_on(async {
/// let verifier = verifier_fn(|request: Request<Credentials>| async move {
///     Ok::<_, BoxError>(match request.body().text("api_key") {
///         Some(api_key) if *api_key == "605b32dd" => AuthVerdict::Granted(Parameters::new().with("login_id", 12)),
///         _ => AuthVerdict::Denied,
///     })
/// });
/// let app: Router = Router::new()
///     .route("/", get(|| async { "the app" }))
///     .layer(VerifyLayer::new(Validator::new(), verifier));
///
/// let call = |body: &str| Request::post("/auth").body(body.to_owned());
/// let response = app.clone().oneshot(call(r#"{"auth": {"api_key": "605b32dd"}}"#)?).await?;
/// assert_eq!(response.status(), 200);
/// assert_eq!(response.into_body().collect().await?.to_bytes(), r#"{"login_id":12}"#);
///
/// let response = app.oneshot(call(r#"{"auth": {"api_key": "2f6a11c0"}}"#)?).await?;
/// assert_eq!(response.status(), 401);
/// # Ok::<(), BoxError>(()) }).unwrap();
/// ```
pub struct Validator<A = Credentials> {
    refusal: Refusal,
    legacy_no_content: bool,
    auth: PhantomData<fn() -> A>,
}

impl Validator {
    /// The endpoint as documented, with a verifier of [`Credentials`].
    pub fn new() -> Self {
        Self::documented()
    }

    /// The endpoint as documented, with a verifier of [`Auth<T>`].
    ///
    /// A request whose `auth` does not match `T` is malformed.
    pub fn typed<T: DeserializeOwned + Send + 'static>() -> Validator<Auth<T>> {
        Validator::documented()
    }
}

impl<A> Validator<A> {
    fn documented() -> Self {
        Self {
            refusal: Refusal::new(StatusCode::BAD_REQUEST, StatusCode::UNAUTHORIZED),
            legacy_no_content: false,
            auth: PhantomData,
        }
    }

    /// Responds with another status than `401` when there is no verdict.
    ///
    /// With `503`, an outage can be told from a denial in Talkdesk's logs.
    ///
    /// # Errors
    /// If `status` is not 4xx or 5xx.
    pub fn no_verdict_status(mut self, status: StatusCode) -> Result<Self, ConfigError> {
        self.refusal.no_verdict_status(status)?;
        Ok(self)
    }

    /// Whether a grant without parameters is answered with `204` and no body. The default is `false`.
    ///
    /// Talkdesk documented it so until 2017. A grant with parameters is answered with `200` all the same, so that they
    /// are not lost.
    pub fn legacy_no_content(mut self, legacy_no_content: bool) -> Self {
        self.legacy_no_content = legacy_no_content;
        self
    }

    // Contract: TD-10, TD-15, TD-16.
    fn grant(&self, parameters: &Parameters) -> Response<Bytes> {
        if self.legacy_no_content && parameters.is_empty() {
            return response::empty(StatusCode::NO_CONTENT);
        }
        response::json(StatusCode::OK, &parameters.serialized())
    }
}

impl Default for Validator {
    fn default() -> Self {
        Self::new()
    }
}

impl<A: Fields + Credential<Verdict = AuthVerdict>> Contract for Validator<A> {
    type Credential = A;
    type Context = ();
    const NAME: &'static str = "talkdesk.validator";

    fn decode(&self, _head: &mut Parts, body: Bytes, (): &mut ()) -> Result<A, Rejection> {
        decode::auth(body)
    }

    fn refused(&self, outcome: Outcome<AuthVerdict>, (): ()) -> Response<Bytes> {
        self.refusal.refused(&outcome)
    }
}

impl<A: Fields + Credential<Verdict = AuthVerdict>> Endpoint for Validator<A> {
    fn route(&self) -> Route {
        // Contract: TD-8.
        Route::from_static(Method::POST, "/auth")
    }

    fn admitted(&self, verdict: AuthVerdict, (): ()) -> Response<Bytes> {
        match verdict {
            AuthVerdict::Granted(parameters) => self.grant(&parameters),
            denied => self.refused(Outcome::Verdict(denied), ()),
        }
    }
}

impl<A> Clone for Validator<A> {
    fn clone(&self) -> Self {
        Self { refusal: self.refusal.clone(), ..*self }
    }
}

impl<A> fmt::Debug for Validator<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Validator")
            .field("refusal", &self.refusal)
            .field("legacy_no_content", &self.legacy_no_content)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::{
        HeaderValue,
        header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE},
    };
    use static_assertions::assert_impl_all;

    use super::*;
    use crate::Failure;

    assert_impl_all!(Validator<Auth<std::cell::Cell<u8>>>: Send, Sync, Clone, Endpoint);

    fn body(response: &Response<Bytes>) -> &str {
        std::str::from_utf8(response.body()).unwrap()
    }

    fn granted(parameters: Parameters) -> Outcome<AuthVerdict> {
        Outcome::Verdict(AuthVerdict::Granted(parameters))
    }

    // Contract: TD-10, TD-15.
    #[test]
    fn a_grant_returns_its_parameters() {
        let response =
            granted(Parameters::new().with("login_id", 12).with("token", "123456789")).respond(&Validator::new(), ());
        assert_eq!((response.status(), body(&response)), (StatusCode::OK, r#"{"login_id":12,"token":"123456789"}"#));
        assert_eq!(response.headers()[CONTENT_TYPE], "application/json");
        assert_eq!(body(&granted(Parameters::new()).respond(&Validator::new(), ())), "{}");
    }

    // Contract: TD-16.
    #[test]
    fn a_legacy_grant_with_parameters_keeps_them() {
        let validator = Validator::new().legacy_no_content(true);
        let response = granted(Parameters::new()).respond(&validator, ());
        assert_eq!((response.status(), body(&response)), (StatusCode::NO_CONTENT, ""));
        assert!(response.headers().is_empty());
        let response = granted(Parameters::new().with("on", false)).respond(&validator, ());
        assert_eq!((response.status(), body(&response)), (StatusCode::OK, r#"{"on":false}"#));
    }

    // Contract: TD-11, TD-12, TD-13, TD-14.
    #[test]
    fn every_other_outcome_is_an_error_of_rfc_6749() {
        for (outcome, status, error) in [
            (Outcome::Verdict(AuthVerdict::Denied), 401, "access_denied"),
            (Rejection::malformed("`auth` is missing").into(), 400, "invalid_request"),
            (Rejection::too_large(9).into(), 413, "invalid_request"),
            (Rejection::no_credential("there is no `auth`").into(), 401, "invalid_request"),
            (Rejection::unknown_caller().into(), 401, "invalid_client"),
            (Failure::from_error("the password is 605b32dd").into(), 401, "server_error"),
            (Failure::panicked().into(), 401, "server_error"),
            (Failure::deadline_exceeded().into(), 401, "server_error"),
            (Failure::overloaded().into(), 401, "server_error"),
            (Failure::throttled(Duration::from_millis(1500)).into(), 401, "temporarily_unavailable"),
        ] {
            let throttled = error == "temporarily_unavailable";
            let response = outcome.respond(&Validator::new(), ());
            assert_eq!(response.status(), status, "{error}");
            assert_eq!(response.headers().contains_key(WWW_AUTHENTICATE), status == 401, "{error}");
            assert_eq!(response.headers().get(RETRY_AFTER).map(HeaderValue::as_bytes), throttled.then_some(&b"2"[..]));
            assert_eq!(response.headers()[CONTENT_TYPE], "application/json");
            assert!(body(&response).starts_with(&format!(r#"{{"error":"{error}","error_description":""#)));
            assert!(!body(&response).contains("605b"));
        }
    }

    #[test]
    fn the_status_without_a_verdict_is_configurable() {
        let validator = Validator::new().no_verdict_status(StatusCode::SERVICE_UNAVAILABLE).unwrap();
        let response = Outcome::from(Failure::throttled(Duration::from_secs(2))).respond(&validator, ());
        assert_eq!((response.status(), &response.headers()[RETRY_AFTER]), (StatusCode::SERVICE_UNAVAILABLE, &2.into()));
        assert!(!response.headers().contains_key(WWW_AUTHENTICATE));
        assert_eq!(
            Outcome::from(Failure::from_error("away")).respond(&validator, ()).status(),
            StatusCode::SERVICE_UNAVAILABLE
        );
        assert_eq!(Outcome::Verdict(AuthVerdict::Denied).respond(&validator, ()).status(), StatusCode::UNAUTHORIZED);
        assert!(Validator::new().no_verdict_status(StatusCode::OK).is_err());
    }
}
