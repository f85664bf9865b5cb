use bytes::Bytes;
use http::{HeaderValue, Method, Response, StatusCode, header::CONTENT_TYPE, request::Parts};

use crate::{
    ConfigError, Credential, Endpoint, Outcome, Rejection, RejectionKind, Route, Secret, Verdict,
    json::{self, Value},
};

/// The trio that Diyalog asks to be verified when a customer's SDK is activated, and the device's hash for the log.
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
    /// A trio without a device hash, as for a test of a verifier.
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

/// What a customer's token can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CustomerVerdict {
    /// The token is good for this device and this customer.
    Validated,
    /// The token is unknown, or another customer's.
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
}

/// The words that Diyalog reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Vocabulary {
    /// `Validated`, `InvalidToken`, `ExpiredToken`, `InvalidDeviceId`, `InternalError`, `BadRequest`: the present
    /// documentation's, and the default.
    #[default]
    Current,
    /// `Validated`, `InvalidCode`, `ExpiredCode`, `InvalidHash`, `InternalError`: the older page's. It has no word for a
    /// bad request, which is answered as `InternalError`: there is no verdict on it either.
    Older,
}

/// `POST /checkauthtoken`: Diyalog's check of a customer's token.
///
/// The answer is one bare word with HTTP status 200; only `Validated` admits. A caller without the
/// [secret](crate::CallerSecret) that was required of it gets status 401 and the word for a bad request.
///
/// Source: Diyalog's "Authentication Services", "Customer Token Verification Service (API)".
#[derive(Debug, Clone)]
pub struct Customer {
    route: Route,
    vocabulary: Vocabulary,
    quoted: bool,
}

impl Customer {
    /// The endpoint as documented.
    pub fn new() -> Self {
        Self {
            route: Route::documented(Method::POST, "/checkauthtoken"),
            vocabulary: Vocabulary::default(),
            quoted: false,
        }
    }

    /// Serves another path than `/checkauthtoken`, such as the older page's `/v1/checkauthtoken`.
    ///
    /// # Errors
    /// If no request can have this path.
    pub fn path(mut self, path: &str) -> Result<Self, ConfigError> {
        self.route = self.route.with_path(path)?;
        Ok(self)
    }

    /// Answers in another vocabulary than the current one.
    pub fn vocabulary(mut self, vocabulary: Vocabulary) -> Self {
        self.vocabulary = vocabulary;
        self
    }

    /// Whether the word is answered as a JSON string, in quotes and as `application/json`. The default is `false`.
    pub fn quoted(mut self, quoted: bool) -> Self {
        self.quoted = quoted;
        self
    }

    /// The bare word for an outcome, and the same word in quotes.
    fn word(&self, outcome: &Outcome<CustomerVerdict>) -> (&'static str, &'static str) {
        use CustomerVerdict::{ExpiredToken, InvalidDeviceId, InvalidToken, Validated};
        use Vocabulary::{Current, Older};

        match (outcome, self.vocabulary) {
            (Outcome::Verdict(Validated), _) => ("Validated", "\"Validated\""),
            (Outcome::Verdict(InvalidToken), Current) => ("InvalidToken", "\"InvalidToken\""),
            (Outcome::Verdict(InvalidToken), Older) => ("InvalidCode", "\"InvalidCode\""),
            (Outcome::Verdict(ExpiredToken), Current) => ("ExpiredToken", "\"ExpiredToken\""),
            (Outcome::Verdict(ExpiredToken), Older) => ("ExpiredCode", "\"ExpiredCode\""),
            (Outcome::Verdict(InvalidDeviceId), Current) => ("InvalidDeviceId", "\"InvalidDeviceId\""),
            (Outcome::Verdict(InvalidDeviceId), Older) => ("InvalidHash", "\"InvalidHash\""),
            (Outcome::Rejected(_), Current) => ("BadRequest", "\"BadRequest\""),
            (Outcome::Rejected(_), Older) | (Outcome::Failed(_), _) => ("InternalError", "\"InternalError\""),
        }
    }
}

impl Default for Customer {
    fn default() -> Self {
        Self::new()
    }
}

impl Endpoint for Customer {
    type Credential = CustomerToken;

    fn route(&self) -> &Route {
        &self.route
    }

    fn decode(&self, _head: &mut Parts, body: Bytes) -> Result<CustomerToken, Rejection> {
        const NAMES: [&str; 4] = ["deviceId", "dlgToken", "customerNo", "deviceHash"];

        let text = json::text(body)?;
        let [device_id, dlg_token, customer_no, device_hash] = json::members(&text, &NAMES)?;
        let required = |value, name| match value {
            Some(Value::Text(value)) if !value.is_empty() => Ok(Secret::slice_of(&text, value)),
            _ => Err(Rejection::malformed(format!("`{name}` must be a string that is not empty")).with_field(name)),
        };
        Ok(CustomerToken {
            device_id: required(device_id, NAMES[0])?,
            dlg_token: required(dlg_token, NAMES[1])?,
            customer_no: required(customer_no, NAMES[2])?,
            device_hash: match device_hash {
                None | Some(Value::Null) => None,
                Some(Value::Text(hash)) => Some(Secret::slice_of(&text, hash)),
                Some(_) => return Err(Rejection::malformed("`deviceHash` must be a string").with_field(NAMES[3])),
            },
        })
    }

    fn answer(&self, outcome: Outcome<CustomerVerdict>) -> Response<Bytes> {
        let (bare, quoted) = self.word(&outcome);
        let (word, content_type) =
            if self.quoted { (quoted, "application/json") } else { (bare, "text/plain; charset=utf-8") };
        let mut response = Response::new(Bytes::from_static(word.as_bytes()));
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        if matches!(&outcome, Outcome::Rejected(rejection) if rejection.kind() == RejectionKind::UnknownCaller) {
            *response.status_mut() = StatusCode::UNAUTHORIZED;
        }
        response
    }
}
