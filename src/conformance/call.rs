use std::fmt;

use bytes::Bytes;
use http::{Method, Request};
use http_body_util::Full;

use super::values::{Place, Values, names};
use crate::BoxError;

/// A request of a [`Check`](super::Check), in which `${name}` stands for a value of the [`Suite`](super::Suite).
///
/// A value is escaped for its place: percent-encoded in the target, as the inside of a JSON string in the body, and not
/// at all in a header. The target and the body take `${name|all}`, which escapes each character. The target also takes
/// `${name|plus}`, which writes spaces as `+`, and `${name|twice}`, which is encoded once more. A header takes
/// `${name|base64}`. Reports show the call with the names in place of the values.
///
/// ```
/// use tower_verify::conformance::Call;
///
/// let call = Call::post("/unlock").header("lock-key", "${key}").body(r#"{"badge":"${badge}"}"#);
/// assert_eq!(call.to_string(), r#"POST /unlock · lock-key: ${key} · {"badge":"${badge}"}"#);
/// ```
#[derive(Debug, Clone)]
pub struct Call {
    method: Method,
    target: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    padding: Padding,
}

/// Spaces after the body.
#[derive(Debug, Clone)]
enum Padding {
    /// Until it has this length.
    To(usize),
    /// Until it has so many bytes more than the suite's value `body_limit`.
    OverLimit(usize),
}

impl Call {
    /// A call without headers and with an empty body. `target` is a path that begins with `/`, and a query.
    pub fn new(method: Method, target: impl Into<String>) -> Self {
        Self { method, target: target.into(), headers: Vec::new(), body: Vec::new(), padding: Padding::To(0) }
    }

    /// A `GET` of `target`.
    pub fn get(target: impl Into<String>) -> Self {
        Self::new(Method::GET, target)
    }

    /// A `POST` to `target`.
    pub fn post(target: impl Into<String>) -> Self {
        Self::new(Method::POST, target)
    }

    /// Adds a header. A header can be given several times.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Removes the header `name`.
    pub fn without_header(mut self, name: &str) -> Self {
        self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self
    }

    /// Adds the headers by which a client asks for a WebSocket (RFC 6455, section 4.1). `key` is the base64 of 16 bytes.
    ///
    /// Servers upgrade a connection, and a call in process has none: run such checks over HTTP.
    ///
    /// ```
    /// use tower_verify::conformance::{Call, Check, Expected};
    ///
    /// let key = "dGhlIHNhbXBsZSBub25jZQ==";
    /// let call = Call::get("/chat").websocket(key).header("authorization", "Bearer ${token}");
    /// let check = Check::new("LK-4", "a good token opens the chat", call, Expected::websocket(key).admits());
    /// # assert_eq!(check.row(), "LK-4");
    /// ```
    pub fn websocket(self, key: impl Into<String>) -> Self {
        self.header("connection", "Upgrade")
            .header("upgrade", "websocket")
            .header("sec-websocket-version", "13")
            .header("sec-websocket-key", key)
    }

    /// Sets the body. It may be any bytes.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Sets another method.
    pub fn method(mut self, method: Method) -> Self {
        self.method = method;
        self
    }

    /// Sets another target.
    pub fn target(mut self, target: impl Into<String>) -> Self {
        self.target = target.into();
        self
    }

    /// Adds `end` to the path, before the query.
    pub(super) fn longer_path(mut self, end: &str) -> Self {
        self.target.insert_str(self.target.find('?').unwrap_or(self.target.len()), end);
        self
    }

    /// Adds spaces after the body until it has `length` bytes. The default is none.
    pub fn padded_to(mut self, length: usize) -> Self {
        self.padding = Padding::To(length);
        self
    }

    /// Adds spaces after the body until it has `bytes` more than the suite's value `body_limit`.
    pub(super) fn padded_over_limit(mut self, bytes: usize) -> Self {
        self.padding = Padding::OverLimit(bytes);
        self
    }

    /// The names of the values that the call needs.
    pub(super) fn needs(&self) -> impl Iterator<Item = &str> {
        let headers = self.headers.iter().flat_map(|(_, value)| names(value.as_bytes()));
        let limit = matches!(self.padding, Padding::OverLimit(_)).then_some(BODY_LIMIT);
        names(self.target.as_bytes()).chain(headers).chain(names(&self.body)).chain(limit)
    }

    /// The request at `base`, which is empty in process.
    pub(super) fn render(&self, base: &str, values: &Values) -> Result<Request<Full<Bytes>>, BoxError> {
        let target = text(values.render(self.target.as_bytes(), Place::Target)?);
        let mut body = values.render(&self.body, Place::Body)?;
        body.resize(body.len().max(self.length(values)?), b' ');
        let mut request = Request::builder().method(self.method.clone()).uri(format!("{base}{target}"));
        for (name, value) in &self.headers {
            request = request.header(name, values.render(value.as_bytes(), Place::Header)?);
        }
        Ok(request.body(Full::from(body))?)
    }

    /// The length up to which the body is padded.
    fn length(&self, values: &Values) -> Result<usize, BoxError> {
        match self.padding {
            Padding::To(length) => Ok(length),
            Padding::OverLimit(bytes) => {
                let limit = text(values.render(format!("${{{BODY_LIMIT}}}").as_bytes(), Place::Pattern)?);
                let limit: usize = limit.parse().map_err(|_| format!("the value `{BODY_LIMIT}` must be a number"))?;
                Ok(limit.saturating_add(bytes))
            }
        }
    }
}

/// The name of the suite's value that is the largest body which the server takes, in bytes.
const BODY_LIMIT: &str = "body_limit";

fn text(rendered: Vec<u8>) -> String {
    String::from_utf8_lossy(&rendered).into_owned()
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.target)?;
        for (name, value) in &self.headers {
            write!(f, " · {name}: {value}")?;
        }
        if !self.body.is_empty() {
            write!(f, " · {}", shown(&self.body))?;
        }
        match self.padding {
            Padding::To(0) => Ok(()),
            Padding::To(length) => write!(f, " · padded with spaces to {length} bytes"),
            Padding::OverLimit(0) => write!(f, " · padded with spaces to ${{{BODY_LIMIT}}} bytes"),
            Padding::OverLimit(bytes) => write!(f, " · padded with spaces to ${{{BODY_LIMIT}}} + {bytes} bytes"),
        }
    }
}

/// The beginning of a body as text on one line. Bytes that are not UTF-8 and control characters are escaped.
pub(super) fn shown(body: &[u8]) -> String {
    const LIMIT: usize = 400;

    let mut shown = String::new();
    for chunk in body[..body.len().min(LIMIT)].utf8_chunks() {
        for letter in chunk.valid().chars() {
            match letter {
                letter if letter.is_control() || letter == '\u{feff}' => shown.extend(letter.escape_default()),
                letter => shown.push(letter),
            }
        }
        shown.extend(chunk.invalid().iter().map(|byte| format!("\\x{byte:02x}")));
    }
    if body.len() > LIMIT {
        shown.push_str(&format!("… ({} bytes)", body.len()));
    }
    shown
}

#[cfg(test)]
mod tests {
    use http_body::Body;
    use http_body_util::BodyExt;

    use super::*;

    #[test]
    fn a_call_is_rendered_at_a_base_and_padded() {
        let mut values = Values::default();
        values.insert("token", "a b".into(), true);
        let call = Call::post("/t?x=${token}").header("A", "${token}").body(r#"{"t":"${token}"}"#).padded_to(12);
        let request = call.render("http://h:1/api", &values).unwrap();
        assert_eq!(request.uri(), "http://h:1/api/t?x=a%20b");
        assert_eq!(request.headers()["a"], "a b");
        let body = request.into_body().collect();
        let body = futures_util::FutureExt::now_or_never(body).unwrap().unwrap().to_bytes();
        assert_eq!(body, r#"{"t":"a b"} "#);
        assert_eq!(call.needs().collect::<Vec<_>>(), ["token"; 3]);
        assert_eq!(call.render("", &Values::default()).unwrap_err().to_string(), "there is no value `token`");
        assert!(Call::get("/").header("a", "x\ny").render("", &values).is_err());
    }

    #[test]
    fn a_call_is_padded_to_the_limit_and_over_it() {
        let mut values = Values::default();
        let call = |bytes| Call::post("/").body("x").padded_over_limit(bytes);
        assert_eq!(call(0).needs().collect::<Vec<_>>(), ["body_limit"]);
        values.insert("body_limit", "7".into(), false);
        for (bytes, length) in [(0, 7), (1, 8)] {
            assert_eq!(call(bytes).render("", &values).unwrap().body().size_hint().exact(), Some(length));
        }
        assert!(call(1).to_string().ends_with("x · padded with spaces to ${body_limit} + 1 bytes"));
        values.insert("body_limit", "7k".into(), false);
        assert_eq!(call(0).render("", &values).unwrap_err().to_string(), "the value `body_limit` must be a number");
    }

    #[test]
    fn a_call_shows_its_names_and_not_its_values() {
        let call =
            Call::get("/a").header("a", "1").header("b", "2").without_header("A").method(Method::PUT).target("/b");
        assert_eq!(call.clone().body(b"\xff\n${x}").to_string(), "PUT /b · b: 2 · \\xff\\n${x}");
        assert!(call.body(vec![b'x'; 1000]).to_string().ends_with("x… (1000 bytes)"));
    }
}
