use std::borrow::Cow;

use bytes::Bytes;
use http::{Method, Response, StatusCode, request::Parts};
use serde::Serialize;

use super::answer::refusal;
use crate::{
    Contract, Credential, Endpoint, Outcome, Rejection, Route, Secret, Verdict,
    wire::{
        json,
        query::{self, OnePath},
        response,
    },
};

/// The trio that Diyalog asks about when its web app is opened for an agent in an iframe.
///
/// ```
/// use http::Request;
/// use tower_verify::{
///     BoxError, Verifier,
///     diyalog::{AgentToken, AgentVerdict},
/// };
///
/// struct Desk;
///
/// impl Verifier<AgentToken> for Desk {
///     async fn verify(&self, request: Request<AgentToken>) -> Result<AgentVerdict, BoxError> {
///         let trio = request.into_body();
///         // Here you would look the token up. Return the errors of the look-up with `?`.
///         if trio.token != "b1f0" || trio.user_no != "45186" {
///             return Ok(AgentVerdict::InvalidToken);
///         }
///         let same_session = trio.session_id == "s-7";
///         Ok(if same_session { AgentVerdict::validated(trio.user_no) } else { AgentVerdict::InvalidSessionId })
///     }
/// }
///
/// # futures::executor::block_on(async {
/// let trio = AgentToken::new("s-7", "b1f0", "45186");
/// assert_eq!(Desk.verify(Request::new(trio)).await?, AgentVerdict::validated("45186"));
///
/// let trio = AgentToken::new("s-8", "b1f0", "45186");
/// assert_eq!(Desk.verify(Request::new(trio)).await?, AgentVerdict::InvalidSessionId);
/// # Ok::<(), BoxError>(()) }).unwrap();
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct AgentToken {
    /// `sessionId`: the session in your agent application that the token was made for.
    pub session_id: Secret,
    /// `token`: the token, which the iframe's address calls `dlgToken`.
    pub token: Secret,
    /// `userNo`: the agent that the token was made for, which the iframe's address calls `userId`.
    pub user_no: Secret,
}

impl AgentToken {
    /// A trio, for example in a test of a verifier.
    pub fn new(session_id: impl Into<Secret>, token: impl Into<Secret>, user_no: impl Into<Secret>) -> Self {
        Self { session_id: session_id.into(), token: token.into(), user_no: user_no.into() }
    }
}

impl Credential for AgentToken {
    type Verdict = AgentVerdict;
}

/// The verdict on an agent's token. [`AgentToken`] has an example.
///
/// The contract has no words for negative verdicts. The response uses those of the customer's check, for Diyalog's log.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum AgentVerdict {
    /// The token is good for this session and this agent.
    Validated {
        /// The agent, named in the response for Diyalog's log.
        user_no: Secret,
    },
    /// The token is unknown, or was made for another agent.
    InvalidToken,
    /// The token is known, but past its expiry.
    ExpiredToken,
    /// The token is known, but was made for another session.
    InvalidSessionId,
}

impl AgentVerdict {
    /// The positive verdict on the agent with this `userNo`.
    pub fn validated(user_no: impl Into<Secret>) -> Self {
        Self::Validated { user_no: user_no.into() }
    }
}

impl Verdict for AgentVerdict {
    fn admits(&self) -> bool {
        matches!(self, Self::Validated { .. })
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Validated { .. } => "validated",
            Self::InvalidToken => "invalid_token",
            Self::ExpiredToken => "expired_token",
            Self::InvalidSessionId => "invalid_session_id",
        }
    }
}

/// `GET /CheckToken?sessionId=…&token=…&userNo=…`: Diyalog's check of an agent's token.
///
/// The response is a JSON object with HTTP status 200; only `"success":true` admits. A caller without the required
/// [secret](crate::CallerSecret) gets status 401, with a challenge.
///
/// ```json
/// {"success":true,"result":"agent 45186 verified"}
/// {"success":false,"errorMessage":"token expired","result":"ExpiredToken"}
/// ```
///
/// The query is removed from the request before the verifier gets it: the verifier sees only the path of the URI. The
/// parameters can be in any order, and unknown ones are ignored. The request is malformed if a parameter is missing,
/// empty or given twice, or if the query is not percent-encoded UTF-8. A `+` is a space.
///
/// Source: Diyalog's "Authentication Services", "Agent Token Verification Service (API)".
///
/// ```
/// use axum::{Router, routing::get};
/// use http::Request;
/// use http_body_util::BodyExt;
/// use tower::ServiceExt;
/// use tower_verify::{
///     BoxError, VerifyLayer,
///     diyalog::{AgentEndpoint, AgentToken, AgentVerdict},
///     verifier_fn,
/// };
///
/// # futures::executor::block_on(async {
/// let verifier = verifier_fn(|request: Request<AgentToken>| async move {
///     let trio = request.into_body();
///     let good = trio.token == "b1f0" && trio.session_id == "s-7" && trio.user_no == "45186";
///     Ok::<_, BoxError>(if good { AgentVerdict::validated(trio.user_no) } else { AgentVerdict::InvalidToken })
/// });
/// let app: Router = Router::new()
///     .route("/", get(|| async { "the app" }))
///     .layer(VerifyLayer::new(AgentEndpoint::new(), verifier));
///
/// let call = Request::get("/CheckToken?sessionId=s-7&token=b1f0&userNo=45186").body(String::new())?;
/// let body = app.oneshot(call).await?.into_body().collect().await?.to_bytes();
/// assert_eq!(body, r#"{"success":true,"result":"agent 45186 verified"}"#);
/// # Ok::<(), BoxError>(()) }).unwrap();
/// ```
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct AgentEndpoint {
    path: OnePath,
}

impl AgentEndpoint {
    /// The endpoint as documented.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Contract for AgentEndpoint {
    type Credential = AgentToken;
    type Context = ();
    const NAME: &'static str = "diyalog.agent";

    // Contract: DY-21, DY-24.
    fn decode(&self, head: &mut Parts, _body: Bytes, (): &mut ()) -> Result<AgentToken, Rejection> {
        const NAMES: [&str; 3] = ["sessionId", "token", "userNo"];
        // Made in advance: a caller can send many malformed requests.
        const MISSING: [&str; 3] = [
            "`sessionId` must be given and not empty",
            "`token` must be given and not empty",
            "`userNo` must be given and not empty",
        ];

        let given = |value: Option<Cow<'_, str>>| value.filter(|value| !value.is_empty()).map(Secret::from);
        let trio = query::parameters(head.uri.query().unwrap_or_default(), &NAMES)?.map(given);
        let [Some(session_id), Some(token), Some(user_no)] = trio else {
            let missing = trio.iter().position(Option::is_none).unwrap_or_default();
            return Err(Rejection::malformed(MISSING[missing]).with_field(NAMES[missing]));
        };
        self.path.remove_query(&mut head.uri)?;
        Ok(AgentToken { session_id, token, user_no })
    }

    // Contract: DY-23.
    fn refused(&self, outcome: Outcome<AgentVerdict>, (): ()) -> Response<Bytes> {
        /// The body with this message and this result, which have no escapes.
        macro_rules! error {
            ($message:literal, $result:literal) => {
                concat!(r#"{"success":false,"errorMessage":""#, $message, r#"","result":""#, $result, r#""}"#)
            };
        }

        let body = match &outcome {
            Outcome::Verdict(AgentVerdict::InvalidToken) => error!("token not valid", "InvalidToken"),
            Outcome::Verdict(AgentVerdict::ExpiredToken) => error!("token expired", "ExpiredToken"),
            Outcome::Verdict(AgentVerdict::InvalidSessionId) => error!("token of another session", "InvalidSessionId"),
            Outcome::Rejected(rejection) => return refusal(&outcome, bad_request(rejection.detail())),
            Outcome::Failed(_) | Outcome::Verdict(AgentVerdict::Validated { .. }) => {
                error!("token not verified", "InternalError")
            }
        };
        response::json_text(StatusCode::OK, body)
    }
}

impl Endpoint for AgentEndpoint {
    fn route(&self) -> Route {
        // Contract: DY-20.
        Route::from_static(Method::GET, "/CheckToken")
    }

    fn admitted(&self, verdict: AgentVerdict, (): ()) -> Response<Bytes> {
        match verdict {
            AgentVerdict::Validated { user_no } => success(user_no.expose_secret()),
            _ => self.refused(Outcome::Verdict(verdict), ()),
        }
    }
}

fn success(user_no: &str) -> Response<Bytes> {
    let body = [r#"{"success":true,"result":"agent "#, &json::escaped(user_no), r#" verified"}"#].concat();
    response::json_text(StatusCode::OK, body)
}

fn bad_request(error_message: &str) -> Response<Bytes> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct BadRequest<'a> {
        success: bool,
        error_message: &'a str,
        result: &'static str,
    }

    response::json(StatusCode::OK, &BadRequest { success: false, error_message, result: "BadRequest" })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::Request;

    use super::*;
    use crate::{Failure, RejectionKind};

    fn decode(uri: &str) -> Result<(AgentToken, Parts), Rejection> {
        let (mut head, ()) = Request::get(uri).body(()).unwrap().into_parts();
        let token = AgentEndpoint::new().decode(&mut head, Bytes::new(), &mut ())?;
        Ok((token, head))
    }

    fn said(outcome: Outcome<AgentVerdict>) -> (u16, String) {
        let response = outcome.respond(&AgentEndpoint::new(), ());
        assert_eq!(response.headers()["content-type"], "application/json");
        assert_eq!(response.headers().contains_key("www-authenticate"), response.status() == 401);
        (response.status().as_u16(), String::from_utf8(response.into_body().to_vec()).unwrap())
    }

    #[test]
    fn the_trio_is_read_in_any_order() {
        let (token, _) = decode("/CheckToken?userNo=45186&x=1&token=a%2Bb+c&sessionId=s1").unwrap();
        assert_eq!((token.session_id, token.token, token.user_no), ("s1".into(), "a+b c".into(), "45186".into()));
    }

    // Contract: DY-24.
    #[test]
    fn debug_of_the_verifiers_request_does_not_show_the_token() {
        let (token, head) = decode("https://example.com/CheckToken?sessionId=s1&token=605b32dd&userNo=45186").unwrap();
        let request = Request::from_parts(head, token);
        assert_eq!(request.uri(), "https://example.com/CheckToken");
        let logged = format!("{request:?}");
        assert!(!logged.contains("605b") && !logged.contains("45186"), "{logged}");
    }

    // Contract: DY-21.
    #[test]
    fn each_parameter_is_required() {
        for name in ["sessionId", "token", "userNo"] {
            let renamed = format!("{}X", &name[1..]);
            for replaced in [renamed, format!("{name}=&x")] {
                let uri = "/CheckToken?sessionId=605b1&token=605b2&userNo=605b3".replace(name, &replaced);
                let rejection = decode(&uri).unwrap_err();
                assert_eq!((rejection.kind(), rejection.field()), (RejectionKind::Malformed, Some(name)), "{uri}");
                assert!(!rejection.detail().contains("605b"));
            }
        }
        assert_eq!(decode("/CheckToken").unwrap_err().field(), Some("sessionId"));
    }

    #[test]
    fn the_response_names_the_agent_with_escapes() {
        let validated = |user_no: &str| said(Outcome::Verdict(AgentVerdict::validated(user_no)));
        assert_eq!(validated("45186"), (200, r#"{"success":true,"result":"agent 45186 verified"}"#.into()));
        let (_, body) = validated("\"\\\n\u{0}Ş");
        assert_eq!(body, r#"{"success":true,"result":"agent \"\\\n\u0000Ş verified"}"#);
        for (user_no, escaped) in [("\"", r#"\""#), ("\\", r"\\"), ("\n", r"\n"), ("4 5", "4 5"), ("4\"5", r#"4\"5"#)] {
            let (_, body) = validated(user_no);
            assert_eq!(body, format!(r#"{{"success":true,"result":"agent {escaped} verified"}}"#));
        }
    }

    // Contract: DY-23.
    #[test]
    fn every_other_outcome_is_no_success() {
        for (outcome, status, body) in [
            (
                Outcome::Verdict(AgentVerdict::InvalidToken),
                200,
                r#"{"success":false,"errorMessage":"token not valid","result":"InvalidToken"}"#,
            ),
            (
                Outcome::Verdict(AgentVerdict::ExpiredToken),
                200,
                r#"{"success":false,"errorMessage":"token expired","result":"ExpiredToken"}"#,
            ),
            (
                Outcome::Verdict(AgentVerdict::InvalidSessionId),
                200,
                r#"{"success":false,"errorMessage":"token of another session","result":"InvalidSessionId"}"#,
            ),
            (
                Rejection::malformed("quoted \"success\":true").into(),
                200,
                r#"{"success":false,"errorMessage":"quoted \"success\":true","result":"BadRequest"}"#,
            ),
            (
                Rejection::no_credential("there is no query").into(),
                200,
                r#"{"success":false,"errorMessage":"there is no query","result":"BadRequest"}"#,
            ),
            (
                Rejection::unknown_caller().into(),
                401,
                r#"{"success":false,"errorMessage":"the caller's secret is missing or not known","result":"BadRequest"}"#,
            ),
            (
                Failure::from_error("database at 10.0.0.7 away").into(),
                200,
                r#"{"success":false,"errorMessage":"token not verified","result":"InternalError"}"#,
            ),
            (
                Failure::overloaded().into(),
                200,
                r#"{"success":false,"errorMessage":"token not verified","result":"InternalError"}"#,
            ),
            (
                Failure::throttled(Duration::from_secs(3)).into(),
                200,
                r#"{"success":false,"errorMessage":"token not verified","result":"InternalError"}"#,
            ),
        ] {
            assert_eq!(said(outcome), (status, body.into()));
        }
    }

    #[test]
    fn debug_of_a_verdict_does_not_show_the_agent() {
        assert!(!format!("{:?}", AgentVerdict::validated("45186")).contains("45186"));
    }
}
