//! Requests in a form that a fuzzer changes easily, and that people can read.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request, Uri};

/// Reads a request: lines until an empty one, then the body.
///
/// A line that begins with `?` is the query. Every other line is a header. Lines that are neither are left out.
pub fn parse(path: &str, input: &[u8]) -> Request<Bytes> {
    let (head, body) = match input.windows(2).position(|two| two == b"\n\n") {
        Some(at) => (&input[..at], &input[at + 2..]),
        None => (input, &[][..]),
    };
    let mut request = Request::new(Bytes::copy_from_slice(body));
    *request.uri_mut() = path.parse().expect("the path is valid");
    for line in head.split(|byte| *byte == b'\n') {
        if line.first() == Some(&b'?') {
            let path = path.split('?').next().unwrap_or_default();
            let target = Bytes::from([path.as_bytes(), line].concat());
            if let Ok(uri) = Uri::from_maybe_shared(target) {
                *request.uri_mut() = uri;
            }
        } else if let Some(colon) = line.iter().position(|byte| *byte == b':') {
            let (name, value) = (&line[..colon], &line[colon + 1..]);
            let value = value.strip_prefix(b" ").unwrap_or(value);
            if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name), HeaderValue::from_bytes(value)) {
                request.headers_mut().append(name, value);
            }
        }
    }
    request
}

/// Writes a request so that [`parse`] reads it.
pub fn write(query: Option<&str>, headers: &[(String, String)], body: &[u8]) -> Vec<u8> {
    let mut lines = Vec::from_iter(query.map(|query| format!("?{query}\n")));
    lines.extend(headers.iter().map(|(name, value)| format!("{name}: {value}\n")));
    [lines.concat().as_bytes(), b"\n", body].concat()
}
