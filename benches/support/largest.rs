//! Bodies as large as the layer lets them be by itself.

use super::TOKEN;

/// The layer's own limit.
pub(crate) const LIMIT: usize = 16 * 1024;

/// A good check in a body of `size` bytes, as far as it can be that small.
pub(crate) fn padded(size: usize) -> String {
    let check = format!(r#"{{"deviceId":"1","dlgToken":"{TOKEN}","customerNo":"1","x":""#);
    format!("{check}{}\"}}", "x".repeat(size.saturating_sub(check.len() + 2)))
}

/// Bodies that are meant to cost.
pub(crate) fn hostile() -> Vec<(&'static str, String)> {
    vec![
        ("nesting", filled("", "[", "")),
        ("nesting-repeated", filled("{\"x\":[", &format!("{}{},", "[".repeat(120), "]".repeat(120)), "0]}")),
        ("numbers", filled("{\"x\":[", "1,", "0]}")),
        ("members", filled("{", "\"a\":1,", "\"b\":1}")),
        ("empty-members", filled("{", "\"\":1,", "\"b\":1}")),
        ("same-member", filled("{", "\"dlgToken\":\"a\",", "\"b\":1}")),
        ("escapes", filled("{\"dlgToken\":\"", "\\u0061", "\"}")),
        ("ignored-escapes", filled("{\"x\":\"", "\\u0061", "\"}")),
        ("escaped-keys", filled("{", "\"\\n\":1,", "\"b\":1}")),
        ("long-number", filled("{\"x\":", "9", "}")),
        ("long-fraction", filled("{\"x\":0.", "9", "}")),
        ("fractions", filled("{\"x\":[", "1.7976931348623157e308,", "0]}")),
        ("white-space", filled("{", " ", "}")),
        ("no-ascii", filled("{\"x\":\"", "\u{1f980}", "\"}")),
    ]
}

/// `open`, then `part` as often as it fits, then `close`.
fn filled(open: &str, part: &str, close: &str) -> String {
    format!("{open}{}{close}", part.repeat((LIMIT - open.len() - close.len()) / part.len()))
}
