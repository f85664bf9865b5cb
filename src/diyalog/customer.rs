use bytes::Bytes;
use http::{Method, Response, StatusCode, request::Parts};

use super::answer::refusal;
use crate::{
    Contract, Credential, Endpoint, Outcome, Rejection, Route, Secret, Verdict,
    wire::{
        self,
        json::{self, Value},
        response,
    },
};

/// The trio that Diyalog asks about when a customer's SDK is activated, with the device's hash for the log.
///
/// ```
/// use http::Request;
/// use tower_verify::{
///     BoxError, Verifier,
///     diyalog::{CustomerToken, CustomerVerdict},
/// };
///
/// struct Bank;
///
/// impl Verifier<CustomerToken> for Bank {
///     async fn verify(&self, request: Request<CustomerToken>) -> Result<CustomerVerdict, BoxError> {
///         let trio = request.body();
///         // Here you would look the token up. Return the errors of the look-up with `?`.
///         if trio.dlg_token != "2121sa" || trio.customer_no != "1234567" {
///             return Ok(CustomerVerdict::InvalidToken);
///         }
///         Ok(if trio.device_id == "1234" { CustomerVerdict::Validated } else { CustomerVerdict::InvalidDeviceId })
///     }
/// }
///
/// # futures::executor::block_on(async {
/// let trio = CustomerToken::new("1234", "2121sa", "1234567");
/// assert_eq!(Bank.verify(Request::new(trio)).await?, CustomerVerdict::Validated);
///
/// let trio = CustomerToken::new("4321", "2121sa", "1234567");
/// assert_eq!(Bank.verify(Request::new(trio)).await?, CustomerVerdict::InvalidDeviceId);
/// # Ok::<(), BoxError>(()) }).unwrap();
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct CustomerToken {
    /// `deviceId`: the device that the token was made for.
    pub device_id: Secret,
    /// `dlgToken`: the token.
    pub dlg_token: Secret,
    /// `customerNo`: the customer that the token was made for.
    pub customer_no: Secret,
    /// `deviceHash`: Diyalog's own hash of the device. It is information for a log and proves nothing.
    pub device_hash: Option<Secret>,
}

impl CustomerToken {
    /// A trio without a device hash, for example in a test of a verifier.
    pub fn new(device_id: impl Into<Secret>, dlg_token: impl Into<Secret>, customer_no: impl Into<Secret>) -> Self {
        Self {
            device_id: device_id.into(),
            dlg_token: dlg_token.into(),
            customer_no: customer_no.into(),
            device_hash: None,
        }
    }
}

impl Credential for CustomerToken {
    type Verdict = CustomerVerdict;
}

/// The verdict on a customer's token. [`CustomerToken`] has an example.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CustomerVerdict {
    /// The token is good for this device and this customer.
    Validated,
    /// The token is unknown, or was made for another customer.
    InvalidToken,
    /// The token is known, but past its expiry.
    ExpiredToken,
    /// The token is known, but was made for another device.
    InvalidDeviceId,
}

impl Verdict for CustomerVerdict {
    fn admits(&self) -> bool {
        matches!(self, Self::Validated)
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Validated => "validated",
            Self::InvalidToken => "invalid_token",
            Self::ExpiredToken => "expired_token",
            Self::InvalidDeviceId => "invalid_device_id",
        }
    }
}

/// The words in which [`CustomerEndpoint`] answers Diyalog.
///
/// ```
/// use tower_verify::{
///     Outcome,
///     diyalog::{CustomerEndpoint, CustomerVerdict, Vocabulary},
/// };
///
/// let word = |endpoint| Outcome::Verdict(CustomerVerdict::ExpiredToken).respond(&endpoint, ()).into_body();
/// assert_eq!(word(CustomerEndpoint::new()), "ExpiredToken");
/// assert_eq!(word(CustomerEndpoint::new().vocabulary(Vocabulary::Older)), "ExpiredCode");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Vocabulary {
    /// The words of the present documentation, and the default.
    ///
    /// `Validated`, `InvalidToken`, `ExpiredToken`, `InvalidDeviceId`, `InternalError`, `BadRequest`.
    #[default]
    Current,
    /// The words of the older page.
    ///
    /// `Validated`, `InvalidCode`, `ExpiredCode`, `InvalidHash`, `InternalError`. There is no word for a malformed
    /// request: it is answered as `InternalError`, as there is no verdict on it either.
    Older,
}

/// `POST /checkauthtoken`: Diyalog's check of a customer's token.
///
/// The response is one bare word with HTTP status 200; only `Validated` admits. A caller without the required
/// [secret](crate::CallerSecret) gets status 401, with a challenge and the word for a malformed request.
///
/// Source: Diyalog's "Authentication Services", "Customer Token Verification Service (API)".
///
/// ```
/// use axum::{Router, routing::get};
/// use http::Request;
/// use http_body_util::BodyExt;
/// use tower::ServiceExt;
/// use tower_verify::{
///     BoxError, VerifyLayer,
///     diyalog::{CustomerEndpoint, CustomerToken, CustomerVerdict},
///     verifier_fn,
/// };
///
/// # futures::executor::block_on(async {
/// let verifier = verifier_fn(|request: Request<CustomerToken>| async move {
///     let trio = request.body();
///     let good = trio.dlg_token == "2121sa" && trio.device_id == "1234" && trio.customer_no == "1234567";
///     Ok::<_, BoxError>(if good { CustomerVerdict::Validated } else { CustomerVerdict::InvalidToken })
/// });
/// let app: Router = Router::new()
///     .route("/", get(|| async { "the app" }))
///     .layer(VerifyLayer::new(CustomerEndpoint::new(), verifier));
///
/// let call = r#"{"deviceId": "1234", "dlgToken": "2121sa", "customerNo": "1234567"}"#;
/// let response = app.oneshot(Request::post("/checkauthtoken").body(call.to_owned())?).await?;
/// assert_eq!(response.into_body().collect().await?.to_bytes(), "Validated");
/// # Ok::<(), BoxError>(()) }).unwrap();
/// ```
#[derive(Debug, Clone, Default)]
pub struct CustomerEndpoint {
    vocabulary: Vocabulary,
    quoted: bool,
}

impl CustomerEndpoint {
    /// The endpoint as documented.
    pub fn new() -> Self {
        Self::default()
    }

    /// Responds in another vocabulary than the current one.
    pub fn vocabulary(mut self, vocabulary: Vocabulary) -> Self {
        self.vocabulary = vocabulary;
        self
    }

    /// Whether the word is sent as a JSON string, in quotes and as `application/json`. The default is `false`.
    pub fn quoted(mut self, quoted: bool) -> Self {
        self.quoted = quoted;
        self
    }

    // Contract: DY-11, DY-12, DY-13, DY-14, DY-15.
    /// The word for an outcome that does not admit.
    fn refusal(&self, outcome: &Outcome<CustomerVerdict>) -> &'static str {
        use CustomerVerdict::{ExpiredToken, InvalidDeviceId, InvalidToken, Validated};
        use Vocabulary::{Current, Older};

        match (outcome, self.vocabulary) {
            (Outcome::Verdict(InvalidToken), Current) => "InvalidToken",
            (Outcome::Verdict(InvalidToken), Older) => "InvalidCode",
            (Outcome::Verdict(ExpiredToken), Current) => "ExpiredToken",
            (Outcome::Verdict(ExpiredToken), Older) => "ExpiredCode",
            (Outcome::Verdict(InvalidDeviceId), Current) => "InvalidDeviceId",
            (Outcome::Verdict(InvalidDeviceId), Older) => "InvalidHash",
            (Outcome::Rejected(_), Current) => "BadRequest",
            (Outcome::Rejected(_), Older) | (Outcome::Failed(_) | Outcome::Verdict(Validated), _) => "InternalError",
        }
    }

    // Contract: DY-5, DY-10.
    /// The response with a word.
    #[inline]
    fn say(&self, word: &'static str) -> Response<Bytes> {
        if self.quoted { response::json(StatusCode::OK, &word) } else { response::text(StatusCode::OK, word) }
    }
}

impl Contract for CustomerEndpoint {
    type Credential = CustomerToken;
    type Context = ();
    const NAME: &'static str = "diyalog.customer";

    // Contract: DY-2, DY-3.
    // Inlined for each type of body: the token is too large to be returned in registers.
    #[inline(always)]
    fn decode(&self, _head: &mut Parts, body: Bytes, (): &mut ()) -> Result<CustomerToken, Rejection> {
        const NAMES: [&str; 4] = ["deviceId", "dlgToken", "customerNo", "deviceHash"];
        // Made in advance: a caller can send many malformed requests.
        const MISSING: [&str; 3] = [
            "`deviceId` must be a string that is not empty",
            "`dlgToken` must be a string that is not empty",
            "`customerNo` must be a string that is not empty",
        ];

        let text = wire::text(body)?;
        let [device_id, dlg_token, customer_no, device_hash] = json::members(&text, &NAMES)?;
        let required = |value| match value {
            Some(Value::Text(value)) if !value.is_empty() => Some(Secret::slice_of(&text, value)),
            _ => None,
        };
        let missing = |index| Rejection::malformed(MISSING[index]).with_field(NAMES[index]);
        Ok(CustomerToken {
            device_id: required(device_id).ok_or_else(|| missing(0))?,
            dlg_token: required(dlg_token).ok_or_else(|| missing(1))?,
            customer_no: required(customer_no).ok_or_else(|| missing(2))?,
            device_hash: match device_hash {
                None | Some(Value::Null) => None,
                Some(Value::Text(hash)) => Some(Secret::slice_of(&text, hash)),
                Some(_) => return Err(Rejection::malformed("`deviceHash` must be a string").with_field(NAMES[3])),
            },
        })
    }

    fn refused(&self, outcome: Outcome<CustomerVerdict>, (): ()) -> Response<Bytes> {
        refusal(&outcome, self.say(self.refusal(&outcome)))
    }
}

impl Endpoint for CustomerEndpoint {
    fn route(&self) -> Route {
        // Contract: DY-1.
        Route::from_static(Method::POST, "/checkauthtoken")
    }

    fn admitted(&self, verdict: CustomerVerdict, (): ()) -> Response<Bytes> {
        match verdict {
            CustomerVerdict::Validated => self.say("Validated"),
            _ => self.refused(Outcome::Verdict(verdict), ()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::Request;

    use super::*;
    use crate::{Failure, RejectionKind};

    const TRIO: &str = r#"{"deviceId":"1234","dlgToken":"2121sa","customerNo":"1234567"}"#;

    fn decode(body: impl Into<Bytes>) -> Result<CustomerToken, Rejection> {
        let (mut head, ()) = Request::post("/checkauthtoken").body(()).unwrap().into_parts();
        CustomerEndpoint::new().decode(&mut head, body.into(), &mut ())
    }

    fn said(endpoint: &CustomerEndpoint, outcome: Outcome<CustomerVerdict>) -> (u16, String, String) {
        let response = outcome.respond(endpoint, ());
        assert_eq!(response.headers().contains_key("www-authenticate"), response.status() == 401);
        let content_type = response.headers()["content-type"].to_str().unwrap().to_owned();
        let body = String::from_utf8(response.body().to_vec()).unwrap();
        (response.status().as_u16(), content_type, body)
    }

    #[test]
    fn the_trio_is_read_without_a_copy_of_long_texts() {
        let body = Bytes::from(TRIO.replace("2121sa", "a token of more than 23 bytes"));
        let token = decode(body.clone()).unwrap();
        assert_eq!((&token.device_id, &token.customer_no), (&"1234".into(), &"1234567".into()));
        assert_eq!(token.dlg_token, "a token of more than 23 bytes");
        assert!(body.as_ptr_range().contains(&token.dlg_token.expose_secret().as_ptr()));
        assert_eq!(token.device_hash, None);
    }

    #[test]
    fn each_member_is_required_as_a_string() {
        for name in ["deviceId", "dlgToken", "customerNo"] {
            for value in ["\"\"", "null", "605", "false", "[\"605\"]", "{\"605\":\"605\"}"] {
                let mut members = serde_json::from_str::<serde_json::Map<_, _>>(TRIO).unwrap();
                members.insert(name.into(), serde_json::from_str(value).unwrap());
                let rejection = decode(serde_json::to_vec(&members).unwrap()).unwrap_err();
                assert_eq!((rejection.kind(), rejection.field()), (RejectionKind::Malformed, Some(name)));
                assert!(!rejection.detail().contains("605"));
            }
            assert_eq!(decode(TRIO.replace(name, "x")).unwrap_err().field(), Some(name));
        }
    }

    #[test]
    fn the_device_hash_is_a_string_null_or_absent() {
        for (hash, read) in
            [("\"a\\/b=\"", Some(Some("a/b="))), ("\"\"", Some(Some(""))), ("null", Some(None)), ("7", None)]
        {
            let token = decode(TRIO.replace('{', &format!("{{\"deviceHash\":{hash},"))).ok();
            assert_eq!(token.map(|token| token.device_hash), read.map(|read| read.map(Secret::from)), "{hash}");
        }
    }

    // Contract: DY-5, DY-11, DY-12, DY-13, DY-14, DY-15.
    #[test]
    fn every_outcome_has_its_word_in_each_vocabulary() {
        let outcomes = || -> Vec<(Outcome<CustomerVerdict>, u16, &str, &str)> {
            vec![
                (Outcome::Verdict(CustomerVerdict::Validated), 200, "Validated", "Validated"),
                (Outcome::Verdict(CustomerVerdict::InvalidToken), 200, "InvalidToken", "InvalidCode"),
                (Outcome::Verdict(CustomerVerdict::ExpiredToken), 200, "ExpiredToken", "ExpiredCode"),
                (Outcome::Verdict(CustomerVerdict::InvalidDeviceId), 200, "InvalidDeviceId", "InvalidHash"),
                (Rejection::malformed("605").into(), 200, "BadRequest", "InternalError"),
                (Rejection::too_large(605).into(), 200, "BadRequest", "InternalError"),
                (Rejection::no_credential("605").into(), 200, "BadRequest", "InternalError"),
                (Rejection::unknown_caller().into(), 401, "BadRequest", "InternalError"),
                (Failure::from_error("605").into(), 200, "InternalError", "InternalError"),
                (Failure::throttled(Duration::from_secs(605)).into(), 200, "InternalError", "InternalError"),
                (Failure::overloaded().into(), 200, "InternalError", "InternalError"),
            ]
        };
        let (current, older) = (CustomerEndpoint::new(), CustomerEndpoint::new().vocabulary(Vocabulary::Older));
        for (outcome, status, word, _) in outcomes() {
            assert_eq!(said(&current, outcome), (status, "text/plain; charset=utf-8".into(), word.into()));
        }
        for (outcome, status, _, word) in outcomes() {
            assert_eq!(said(&older, outcome), (status, "text/plain; charset=utf-8".into(), word.into()));
        }
        for (outcome, status, word, _) in outcomes() {
            let quoted = serde_json::to_string(word).unwrap();
            assert_eq!(said(&current.clone().quoted(true), outcome), (status, "application/json".into(), quoted));
        }
    }
}
