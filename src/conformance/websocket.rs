//! The opening handshake of a WebSocket (RFC 6455, section 4), as a client checks it.

use base64::{Engine, prelude::BASE64_STANDARD};
use http::{
    HeaderMap,
    header::{CONNECTION, HeaderName, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_PROTOCOL, UPGRADE},
};
use sha1_smol::Sha1;

/// The text that a server adds to the client's key (RFC 6455, section 1.3).
const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// The `Sec-WebSocket-Accept` that belongs to a `Sec-WebSocket-Key`.
fn accept(key: &str) -> String {
    let mut digest = Sha1::from(key);
    digest.update(GUID.as_bytes());
    BASE64_STANDARD.encode(digest.digest().bytes())
}

/// The faults of the headers of an answer to `key` (RFC 6455, section 4.1). Any of them makes a client give up.
pub(super) fn violations(headers: &HeaderMap, key: &str) -> Vec<String> {
    let mut violations = Vec::new();
    let mut is_named = |name: HeaderName, token: &str| {
        let values = headers.get_all(&name).iter().filter_map(|value| value.to_str().ok());
        let mut tokens = values.flat_map(|value| value.split(','));
        if !tokens.any(|given| given.trim().eq_ignore_ascii_case(token)) {
            violations.push(format!("the header `{name}` does not say `{token}`"));
        }
    };
    is_named(UPGRADE, "websocket");
    is_named(CONNECTION, "upgrade");
    let accepts: Vec<_> = headers.get_all(SEC_WEBSOCKET_ACCEPT).iter().collect();
    if accepts.len() != 1 || accepts[0] != accept(key).as_str() {
        violations.push(format!("`{SEC_WEBSOCKET_ACCEPT}` is not once `{}`, which answers `{key}`", accept(key)));
    }
    for name in [SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_PROTOCOL] {
        if headers.contains_key(&name) {
            violations.push(format!("the header `{name}` is there, and the client has not asked for it"));
        }
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::*;

    // The sample of RFC 6455, section 1.3.
    const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
    const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

    fn check(headers: &[(&str, &str)]) -> Vec<String> {
        let headers = headers.iter().map(|(name, value)| (name.parse::<HeaderName>().unwrap(), value.parse().unwrap()));
        violations(&headers.collect(), KEY)
    }

    #[test]
    fn the_sample_of_the_rfc_is_accepted_in_any_case() {
        let good = [("upgrade", "WebSocket"), ("connection", "keep-alive, Upgrade"), ("sec-websocket-accept", ACCEPT)];
        assert_eq!(check(&good), [""; 0]);
    }

    #[test]
    fn each_fault_of_a_handshake_is_said() {
        let (upgrade, connection) = (("upgrade", "websocket"), ("connection", "upgrade"));
        let accept = ("sec-websocket-accept", ACCEPT);
        let wrong = "`sec-websocket-accept` is not once `s3pPLMBiTxaQ9kYGzzhZRbK+xOo=`, which answers \
            `dGhlIHNhbXBsZSBub25jZQ==`";
        for (headers, said) in [
            (vec![connection, accept], "the header `upgrade` does not say `websocket`"),
            (vec![("upgrade", "h2c"), connection, accept], "the header `upgrade` does not say `websocket`"),
            (vec![upgrade, ("connection", "close"), accept], "the header `connection` does not say `upgrade`"),
            (vec![upgrade, connection], wrong),
            (vec![upgrade, connection, accept, accept], wrong),
            (vec![upgrade, connection, ("sec-websocket-accept", KEY)], wrong),
            (
                vec![upgrade, connection, accept, ("sec-websocket-protocol", "chat")],
                "the header `sec-websocket-protocol` is there, and the client has not asked for it",
            ),
            (
                vec![upgrade, connection, accept, ("sec-websocket-extensions", "permessage-deflate")],
                "the header `sec-websocket-extensions` is there, and the client has not asked for it",
            ),
        ] {
            assert_eq!(check(&headers), [said]);
        }
    }
}
