//! Percent-encoding (RFC 3986, section 2.1).

/// Decodes `text` once, with `plus` for each `+`. `None` if it is not percent-encoded UTF-8.
pub(super) fn decode(text: &str, plus: u8) -> Option<String> {
    let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'+' => plus,
            b'%' => (16 * digit(bytes.next())? + digit(bytes.next())?) as u8,
            byte => byte,
        });
    }
    String::from_utf8(decoded).ok()
}

/// Encodes each byte of `text` that is not `kept`.
#[cfg(any(feature = "conformance", feature = "openapi"))]
pub(crate) fn encode(text: &str, kept: fn(u8) -> bool) -> String {
    let encode = |byte: u8| if kept(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    text.bytes().map(encode).collect()
}

/// Whether the byte needs no encoding (RFC 3986, section 2.3).
#[cfg(any(feature = "conformance", feature = "openapi"))]
pub(crate) fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}
