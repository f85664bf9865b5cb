//! Bodies of the largest size that the layer accepts by default.

use super::TOKEN;

/// The layer's default limit.
pub(crate) const LIMIT: usize = 16 * 1024;

/// A valid check in a body of `size` bytes, or of more if `size` is too small for it.
pub(crate) fn padded(size: usize) -> String {
    let check = format!(r#"{{"deviceId":"1","dlgToken":"{TOKEN}","customerNo":"1","x":""#);
    format!("{check}{}\"}}", "x".repeat(size.saturating_sub(check.len() + 2)))
}

/// The names of the bodies that are made to be expensive.
pub(crate) const HOSTILE: [&str; 14] = [
    "nesting",
    "nesting again and again",
    "numbers",
    "members",
    "members without a name",
    "the same member",
    "escapes",
    "escapes that are ignored",
    "escaped keys",
    "a long number",
    "a long fraction",
    "fractions",
    "white space",
    "no ASCII",
];

/// The body of this name.
pub(crate) fn hostile(name: &str) -> String {
    match name {
        "nesting" => filled("", "[", ""),
        "nesting again and again" => filled("{\"x\":[", &format!("{}{},", "[".repeat(120), "]".repeat(120)), "0]}"),
        "numbers" => filled("{\"x\":[", "1,", "0]}"),
        "members" => filled("{", "\"a\":1,", "\"b\":1}"),
        "members without a name" => filled("{", "\"\":1,", "\"b\":1}"),
        "the same member" => filled("{", "\"dlgToken\":\"a\",", "\"b\":1}"),
        "escapes" => filled("{\"dlgToken\":\"", "\\u0061", "\"}"),
        "escapes that are ignored" => filled("{\"x\":\"", "\\u0061", "\"}"),
        "escaped keys" => filled("{", "\"\\u0061\":1,", "\"b\":1}"),
        "a long number" => filled("{\"x\":", "9", "}"),
        "a long fraction" => filled("{\"x\":0.", "9", "}"),
        "fractions" => filled("{\"x\":[", "1.7976931348623157e308,", "0]}"),
        "white space" => filled("{", " ", "}"),
        "no ASCII" => filled("{\"x\":\"", "\u{1f980}", "\"}"),
        _ => panic!("unknown body {name}"),
    }
}

/// Joins `open`, as many of `part` as fit, and `close`.
fn filled(open: &str, part: &str, close: &str) -> String {
    format!("{open}{}{close}", part.repeat((LIMIT - open.len() - close.len()) / part.len()))
}
