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
