//! The envelope of every response: `status`, `error` and `data`.

use std::{error::Error, fmt};

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header::WWW_AUTHENTICATE};
use serde::{Deserialize, Deserializer, Serialize, de::DeserializeOwned};

use crate::taptalk::{wire::code::Code, wire::refusal::Refusal};
use crate::{
    Failure, FailureKind, Rejection,
    wire::{json::escaped, response},
};

/// The beginning of the response to a positive verdict. All members of `error` are always present, and are strings, never
/// null: the published clients throw otherwise.
const GOOD: &str = r#"{"status":200,"error":{"code":"","message":"","field":""},"data":"#;

/// Writes envelopes, and chooses the HTTP status.
#[derive(Debug, Clone, Copy)]
pub(in crate::taptalk) struct Writer {
    /// Whether the HTTP status is the body's, not 200.
    pub(in crate::taptalk) mirror_status: bool,
    /// The HTTP status of a response without a verdict, if the body's is not mirrored.
    pub(in crate::taptalk) no_verdict: StatusCode,
}

impl Default for Writer {
    fn default() -> Self {
        Self { mirror_status: false, no_verdict: StatusCode::OK }
    }
}

/// The setters that the endpoints with an envelope have in common.
macro_rules! mirror_status_setter {
    () => {
        /// Sets whether the HTTP status is that of the body. The default is `false`.
        ///
        /// The published clients need 200. On any other status the web SDK calls no callback after an exchange, repeats
        /// a check each second, and stops refreshing until its page is loaded again.
        pub fn mirror_status(mut self, mirror_status: bool) -> Self {
            self.writer.mirror_status = mirror_status;
            self
        }

        /// Sets the HTTP status of a response without a verdict: 200 or 5xx.
        ///
        /// It does not matter if the body's status is [mirrored](Self::mirror_status).
        ///
        /// # Errors
        /// If `status` is neither 200 nor 5xx.
        pub fn no_verdict_status(mut self, status: http::StatusCode) -> Result<Self, crate::ConfigError> {
            if status != http::StatusCode::OK && !status.is_server_error() {
                return Err(crate::ConfigError::new(format!(
                    "`no_verdict_status` must be 200 or 5xx, not {}",
                    status.as_u16()
                )));
            }
            self.writer.no_verdict = status;
            Ok(self)
        }
    };
}

pub(in crate::taptalk) use mirror_status_setter;

impl Writer {
    /// The response to a positive verdict, with data. Only `Endpoint::admitted` may call this.
    pub(in crate::taptalk) fn data(self, data: impl Serialize) -> Response<Bytes> {
        let mut body = Vec::with_capacity(512);
        body.extend_from_slice(GOOD.as_bytes());
        serde_json::to_writer(&mut body, &data).expect("the data can be serialized as JSON");
        body.push(b'}');
        self.write(200, StatusCode::OK, body)
    }

    /// The response to a positive verdict, with at least one member, all strings. Only `Endpoint::admitted` may call this.
    pub(in crate::taptalk) fn texts(self, members: &[(&str, &str)]) -> Response<Bytes> {
        let length: usize = members.iter().map(|(name, text)| name.len() + text.len() + r#","":"""#.len()).sum();
        let mut body = String::with_capacity(GOOD.len() + length + "}}".len());
        body.push_str(GOOD);
        let mut separator = "{\"";
        for (name, text) in members {
            for part in [separator, name, "\":\"", &escaped(text), "\""] {
                body.push_str(part);
            }
            separator = ",\"";
        }
        body.push_str("}}");
        self.write(200, StatusCode::OK, body)
    }

    /// The response to a positive verdict, with empty data. Only `Endpoint::admitted` may call this.
    pub(in crate::taptalk) fn no_data(self) -> Response<Bytes> {
        self.write(200, StatusCode::OK, r#"{"status":200,"error":{"code":"","message":"","field":""},"data":{}}"#)
    }

    /// The response to a negative verdict.
    pub(in crate::taptalk) fn refuse(self, refusal: Refusal) -> Response<Bytes> {
        self.write(refusal.status, StatusCode::OK, refusal.body)
    }

    /// The response to a rejected request.
    pub(in crate::taptalk) fn rejected(self, rejection: &Rejection) -> Response<Bytes> {
        let code = Code::of_rejection(rejection);
        let (status, message) = (&code.as_str()[..3], escaped(rejection.detail()));
        let field = escaped(rejection.field().unwrap_or_default());
        let body = [
            r#"{"status":"#,
            status,
            r#","error":{"code":""#,
            code.as_str(),
            r#"","message":""#,
            &message,
            r#"","field":""#,
            &field,
            r#""},"data":{}}"#,
        ];
        self.write(code.status(), StatusCode::OK, body.concat())
    }

    /// The response to a failure. It does not contain the reason.
    pub(in crate::taptalk) fn failed(self, failure: &Failure) -> Response<Bytes> {
        match failure.kind() {
            FailureKind::Throttled => self.refuse(Refusal::THROTTLED),
            _ => self.write(Refusal::FAILED.status, self.no_verdict, Refusal::FAILED.body),
        }
    }

    // Contract: TT-8.
    fn write(self, status: u16, unmirrored: StatusCode, body: impl Into<Bytes>) -> Response<Bytes> {
        let http_status = match self.mirror_status {
            true => StatusCode::from_u16(status).expect("a code's status has three digits"),
            false => unmirrored,
        };
        let mut response = response::json_text(http_status, body);
        // RFC 9110, section 15.5.2: every 401 has a challenge. All 401 codes are about `Authorization`.
        if http_status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// The error in an envelope whose status is not 200: see [`ClientError`](crate::taptalk::ClientError).
///
/// `Display` shows TapTalk's own text unchanged. It is not secret, but it is text from a third party.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ApiError {
    /// `status`: the real status, such as 400.
    pub status: u16,
    /// `error.code`, such as `40002`; `""` if there is none.
    pub code: String,
    /// `error.message`; `""` if there is none.
    pub message: String,
    /// `error.field`: the number of the wrong parameter, such as `105`; `""` if there is none.
    pub field: String,
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { status, code, message, field } = self;
        write!(f, "TapTalk answered {status} (code {code:?}, field {field:?}): {message}")
    }
}

impl Error for ApiError {}

/// Why an envelope could not be read as `data`.
#[derive(Debug)]
pub(in crate::taptalk) enum EnvelopeError {
    /// It is not an envelope, or its data has the wrong form. There is no source: a parser's message could quote a
    /// credential.
    Unreadable,
    /// Its `status` is not 200.
    Refused(ApiError),
}

/// Reads the `data` of an envelope if its `status` is 200. Missing and null members of `error` become `""`.
pub(in crate::taptalk) fn read<D: DeserializeOwned>(body: &[u8]) -> Result<D, EnvelopeError> {
    #[derive(Deserialize)]
    struct Head {
        status: u16,
        #[serde(default, deserialize_with = "or_default")]
        error: ErrorText,
    }

    #[derive(Deserialize, Default)]
    #[serde(default)]
    struct ErrorText {
        #[serde(deserialize_with = "or_default")]
        code: String,
        #[serde(deserialize_with = "or_default")]
        message: String,
        #[serde(deserialize_with = "or_default")]
        field: String,
    }

    #[derive(Deserialize)]
    struct Body<D> {
        data: D,
    }

    fn or_default<'de, T: Deserialize<'de> + Default, S: Deserializer<'de>>(value: S) -> Result<T, S::Error> {
        Option::deserialize(value).map(Option::unwrap_or_default)
    }

    // serde_json does not look at the bytes of a string that it skips.
    let text = std::str::from_utf8(body).map_err(|_| EnvelopeError::Unreadable)?;
    let Head { status, error: ErrorText { code, message, field } } =
        serde_json::from_str(text).map_err(|_| EnvelopeError::Unreadable)?;
    if status != 200 {
        return Err(EnvelopeError::Refused(ApiError { status, code, message, field }));
    }
    serde_json::from_str(text).map(|Body { data }| data).map_err(|_| EnvelopeError::Unreadable)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::header::CONTENT_TYPE;

    use super::*;

    #[derive(Serialize, Deserialize, Debug, PartialEq)]
    struct Data {
        ticket: String,
    }

    fn body(response: &Response<Bytes>) -> &str {
        std::str::from_utf8(response.body()).unwrap()
    }

    // Contract: TT-8.
    #[test]
    fn the_documented_samples_are_written_byte_for_byte() {
        let writer = Writer::default();
        let required =
            writer.rejected(&Code::PARAMETER_INVALID.reject("Param 'xcUserID' is required").with_field("105"));
        assert_eq!(
            body(&required),
            r#"{"status":400,"error":{"code":"40002","message":"Param 'xcUserID' is required","field":"105"},"data":{}}"#
        );
        assert_eq!(required.status(), 200);
        assert_eq!(required.headers()[CONTENT_TYPE], "application/json");
        let good = writer.data(Data { ticket: "t".into() });
        assert_eq!(body(&good), r#"{"status":200,"error":{"code":"","message":"","field":""},"data":{"ticket":"t"}}"#);
        assert_eq!(good.status(), 200);
        assert_eq!(body(&writer.texts(&[("ticket", "t")])), body(&good));
        for text in ["\n", "\"", "\\", "a\u{0}b", "\u{e9}"] {
            assert_eq!(body(&writer.texts(&[("ticket", text)])), body(&writer.data(Data { ticket: text.into() })));
        }
        let none = r#"{"status":200,"error":{"code":"","message":"","field":""},"data":{}}"#;
        assert_eq!(body(&writer.no_data()), none);
    }

    #[test]
    fn the_http_status_mirrors_the_body_if_set() {
        let writer = Writer { mirror_status: true, ..Writer::default() };
        assert_eq!(writer.rejected(&Code::KEY_MALFORMED.reject("")).status(), 491);
        let unauthorized = writer.refuse(Refusal::TOKEN_EXPIRED);
        assert_eq!(
            (unauthorized.status(), &unauthorized.headers()[WWW_AUTHENTICATE]),
            (StatusCode::UNAUTHORIZED, &"Bearer".parse().unwrap())
        );
        assert_eq!(writer.no_data().status(), 200);
    }

    #[test]
    fn rejections_and_failures_have_their_codes() {
        let writer = Writer { mirror_status: true, ..Writer::default() };
        for (rejection, status) in [
            (Rejection::too_large(7), 400),
            (Rejection::malformed("the body is not UTF-8"), 400),
            (Rejection::no_credential("there is no credential"), 400),
            (Rejection::no_credential("").with_code(Code::AUTHORIZATION_MISSING.as_str()), 401),
            (Rejection::unknown_caller(), 491),
            (Rejection::malformed("").with_code(Code::AUTHORIZATION_MISSING.as_str()), 401),
            (Rejection::malformed("").with_code("20000"), 400),
        ] {
            assert_eq!(writer.rejected(&rejection).status(), status, "{rejection:?}");
        }
        assert_eq!(writer.failed(&Failure::throttled(Duration::from_secs(1))).status(), 429);
        assert_eq!(writer.failed(&Failure::overloaded()).status(), 500);
        let failed = writer.failed(&Failure::from_error("connection to 10.0.0.7 refused"));
        assert_eq!(failed.status(), 500);
        assert!(!body(&failed).contains("10.0.0.7"));
    }

    #[test]
    fn a_written_envelope_can_be_read() {
        let writer = Writer::default();
        let data: Data = read(writer.data(Data { ticket: "t".into() }).body()).unwrap();
        assert_eq!(data.ticket, "t");
        let data: Data = read(writer.texts(&[("more", ""), ("ticket", "\"t\"\n")]).body()).unwrap();
        assert_eq!(data.ticket, "\"t\"\n");
        let rejection = Code::KEY_MALFORMED.reject("no \"such\" key").with_field("a\\b");
        let refused = read::<Data>(writer.rejected(&rejection).body()).unwrap_err();
        let EnvelopeError::Refused(error) = refused else { panic!("{refused:?}") };
        assert_eq!((error.status, &*error.code, &*error.message), (491, "49102", "no \"such\" key"));
        assert_eq!(error.field, "a\\b");
    }

    #[test]
    fn an_envelope_is_utf8_in_what_is_skipped_too() {
        let good = br#"{"more":"?","status":200,"data":{"ticket":"t"}}"#;
        assert!(read::<Data>(good).is_ok());
        let latin1 = good.map(|byte| if byte == b'?' { 0xe9 } else { byte });
        assert!(matches!(read::<Data>(&latin1), Err(EnvelopeError::Unreadable)));
    }

    #[test]
    fn only_status_200_with_data_is_read_as_good() {
        for refused in [
            r#"{"status":400,"error":{"code":"40002","message":null},"data":{"ticket":"t"}}"#,
            r#"{"status":201,"error":null,"data":{"ticket":"t"}}"#,
            r#"{"status":401}"#,
        ] {
            assert!(matches!(read::<Data>(refused.as_bytes()), Err(EnvelopeError::Refused(_))), "{refused}");
        }
        for unreadable in [
            "",
            "{}",
            "[]",
            r#"{"status":"200","data":{"ticket":"t"}}"#,
            r#"{"status":null,"data":{"ticket":"t"}}"#,
            r#"{"status":200,"status":200,"data":{"ticket":"t"}}"#,
            r#"{"status":200,"data":{}}"#,
            r#"{"status":200,"data":null}"#,
            r#"{"status":200}"#,
            r#"{"data":{"ticket":"t"}}"#,
        ] {
            assert!(matches!(read::<Data>(unreadable.as_bytes()), Err(EnvelopeError::Unreadable)), "{unreadable}");
        }
    }
}
