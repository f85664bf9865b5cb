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

/// Encodes each byte of `text` that is not `kept`. For a value in a query or a form, keep what
/// [is unreserved](is_unreserved).
///
/// `kept` must be `false` for `%` and for bytes that are not ASCII: they would be decoded as something else.
///
/// ```
/// use tower_verify::wire::percent;
///
/// assert_eq!(percent::encode("a b+c/\u{e9}", percent::is_unreserved), "a%20b%2Bc%2F%C3%A9");
/// ```
pub fn encode(text: &str, kept: fn(u8) -> bool) -> String {
    let encode = |byte: u8| if kept(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    text.bytes().map(encode).collect()
}

/// Whether the byte needs no encoding in any part of a URI (RFC 3986, section 2.3): letters, digits, `-`, `.`, `_` and `~`.
///
/// ```
/// use tower_verify::wire::percent::is_unreserved;
///
/// assert!(is_unreserved(b'~') && !is_unreserved(b'+') && !is_unreserved(b'%'));
/// ```
pub fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}
