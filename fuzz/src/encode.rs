//! Requests as a conforming client writes them. Where a format has several ways, `Choices` takes one.

use data_encoding::BASE64;

/// A sequence of choices that never ends.
pub struct Choices<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Choices<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    pub fn next(&mut self) -> u8 {
        let choice = self.bytes.get(self.at % self.bytes.len().max(1)).copied().unwrap_or_default();
        self.at += 1;
        choice
    }

    fn space(&mut self) -> &'static str {
        ["", "", "", " ", "\n", "\t", "\r\n ", "  "][usize::from(self.next() % 8)]
    }
}

/// A JSON object with these members, whose values are JSON, and with others.
pub fn object(members: &[(&str, String)], choices: &mut Choices<'_>) -> String {
    let mut parts = Vec::new();
    for (name, value) in members {
        let [a, b, c, d] = [choices.space(), choices.space(), choices.space(), choices.space()];
        parts.push(format!("{a}{}{b}:{c}{value}{d}", string(name, choices)));
    }
    if choices.next() % 4 == 0 {
        let others = ["[1,{\"a\":[null,\"]\"]}]", "\"\\\"}\"", "-1.5e9", "null", "{\"auth\":{},\"deviceId\":\"x\"}"];
        let other = others[usize::from(choices.next()) % others.len()];
        let place = usize::from(choices.next()) % (parts.len() + 1);
        parts.insert(place, format!("\"other\":{other}"));
    }
    if !parts.is_empty() {
        let turn = usize::from(choices.next()) % parts.len();
        parts.rotate_left(turn);
    }
    format!("{}{{{}}}{}", choices.space(), parts.join(","), choices.space())
}

/// A JSON string.
pub fn string(text: &str, choices: &mut Choices<'_>) -> String {
    let mut json = String::from("\"");
    for c in text.chars() {
        let short = match c {
            '"' => Some("\\\""),
            '\\' => Some("\\\\"),
            '/' => Some("\\/"),
            '\u{8}' => Some("\\b"),
            '\u{c}' => Some("\\f"),
            '\n' => Some("\\n"),
            '\r' => Some("\\r"),
            '\t' => Some("\\t"),
            _ => None,
        };
        let may_be_plain = c >= ' ' && c != '"' && c != '\\';
        match (choices.next() % 4, short) {
            (0..=1, _) if may_be_plain => json.push(c),
            (0..=2, Some(short)) => json.push_str(short),
            (2, None) if may_be_plain => json.push(c),
            (choice, _) => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    json.push_str(&if choice % 2 == 0 { format!("\\u{unit:04x}") } else { format!("\\u{unit:04X}") });
                }
            }
        }
    }
    json.push('"');
    json
}

/// A query with these parameters and others.
pub fn query(parameters: &[(&str, &str)], choices: &mut Choices<'_>) -> String {
    let mut parts: Vec<_> = parameters
        .iter()
        .map(|(name, value)| format!("{}={}", component(name, choices), component(value, choices)))
        .collect();
    if choices.next() % 4 == 0 {
        let others = ["other=1", "other", "", "=", "x=%C3%A9+y", "tokens=2"];
        let place = usize::from(choices.next()) % (parts.len() + 1);
        parts.insert(place, others[usize::from(choices.next()) % others.len()].to_owned());
    }
    let turn = usize::from(choices.next()) % parts.len().max(1);
    parts.rotate_left(turn);
    parts.join("&")
}

fn component(text: &str, choices: &mut Choices<'_>) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        let plain = byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        match choices.next() % 4 {
            0..=1 if plain => encoded.push(char::from(byte)),
            0..=1 if byte == b' ' => encoded.push('+'),
            2 => encoded.push_str(&format!("%{byte:02x}")),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

/// The value of `Server-Key` and `App-Key`.
pub fn api_key(id: &str, secret: &str) -> String {
    BASE64.encode(format!("{id}:{secret}").as_bytes())
}

/// A token with the characters that RFC 6750 allows, made from any bytes without a loss.
pub fn bearer_token(bytes: &[u8]) -> String {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/";
    let token = bytes.iter().flat_map(|byte| [byte >> 6, byte & 63]).map(|six| char::from(alphabet[usize::from(six)]));
    std::iter::once('t').chain(token).collect()
}
