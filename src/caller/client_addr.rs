//! The address of the client: see [`ClientAddr`].

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use http::{Extensions, HeaderMap, HeaderName, header::FORWARDED};

use crate::ConfigError;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The address of the connection's peer, as an extension of the request.
///
/// The host accepts the connection, so the host must set this extension.
///
/// Under axum, copy it from `ConnectInfo`, and serve the app with `into_make_service_with_connect_info`:
///
/// ```
/// use std::net::SocketAddr;
///
/// use axum::{Router, extract::{ConnectInfo, Request}, middleware::{self, Next}, response::Response};
/// use tokio::net::TcpListener;
/// use tower_verify::PeerAddr;
///
/// async fn set_peer_addr(
///     ConnectInfo(address): ConnectInfo<SocketAddr>,
///     mut request: Request,
///     next: Next,
/// ) -> Response {
///     request.extensions_mut().insert(PeerAddr(address));
///     next.run(request).await
/// }
///
/// async fn serve(app: Router, listener: TcpListener) -> std::io::Result<()> {
///     // `app` has the `VerifyLayer` already: the layer that is added last runs first.
///     let app = app.layer(middleware::from_fn(set_peer_addr));
///     axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await
/// }
/// ```
///
/// Under hyper, `accept` returns the address beside the connection:
///
/// ```
/// use std::net::SocketAddr;
///
/// use http::Request;
/// use hyper::body::Incoming;
/// use tower::{Service, service_fn, util::Oneshot};
/// use tower_verify::PeerAddr;
///
/// /// The service of one connection.
/// fn with_peer_addr<S>(app: S, address: SocketAddr) -> impl Service<Request<Incoming>, Response = S::Response>
/// where
///     S: Service<Request<Incoming>> + Clone,
/// {
///     service_fn(move |mut request: Request<Incoming>| {
///         request.extensions_mut().insert(PeerAddr(address));
///         Oneshot::new(app.clone(), request)
///     })
/// }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PeerAddr(pub SocketAddr);

/// Finds the address of the client: the connection's, or the one that trusted proxies give in a header.
///
/// Anybody can write a request header. You can trust only the entries that your own proxies append, and these are the
/// last ones. If `hops` proxies are between the clients and the app, and each appends the address that called it, then
/// the client's address is entry number `hops` from the right. The client may have made up all entries to the left of
/// it, so they are ignored.
///
/// The entry may be missing, because the request bypassed a proxy. It may not be an address, because a proxy wrote
/// `unknown` or an obfuscated name, or appends nothing. In these cases the result is the address of the connection,
/// which cannot be forged.
///
/// # Security
///
/// `hops` must be the number of proxies that every request passes. If it is too high, clients choose their own address.
/// If it is too low, the address is a proxy's. A client that can bypass the proxies chooses its own address too, so
/// make sure that none can.
///
/// ```
/// use http::Request;
/// use tower_verify::{ClientAddr, PeerAddr};
///
/// let request = Request::get("/")
///     .header("x-forwarded-for", "6.6.6.6, 203.0.113.9") // the client wrote the first one, the proxy the second one
///     .extension(PeerAddr("10.0.0.1:4711".parse()?))
///     .body(())?;
/// let (headers, extensions) = (request.headers(), request.extensions());
///
/// assert_eq!(ClientAddr::peer().find(headers, extensions), Some("10.0.0.1".parse()?));
/// assert_eq!(ClientAddr::x_forwarded_for(1)?.find(headers, extensions), Some("203.0.113.9".parse()?));
/// assert_eq!(ClientAddr::x_forwarded_for(3)?.find(headers, extensions), Some("10.0.0.1".parse()?));
/// # Ok::<(), tower_verify::BoxError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct ClientAddr {
    source: Source,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
enum Source {
    #[default]
    Peer,
    Forwarded {
        hops: usize,
    },
    XForwardedFor {
        hops: usize,
    },
}

impl ClientAddr {
    /// Uses the address of the connection, for an app without a proxy in front of it. This is the default.
    pub fn peer() -> Self {
        Self::default()
    }

    /// Uses the address that the outermost of `hops` trusted proxies wrote into `Forwarded` (RFC 7239).
    ///
    /// # Errors
    /// If `hops` is zero.
    pub fn forwarded(hops: usize) -> Result<Self, ConfigError> {
        Self::behind(hops, Source::Forwarded { hops })
    }

    /// Uses the address that the outermost of `hops` trusted proxies wrote into `X-Forwarded-For`.
    ///
    /// # Errors
    /// If `hops` is zero.
    pub fn x_forwarded_for(hops: usize) -> Result<Self, ConfigError> {
        Self::behind(hops, Source::XForwardedFor { hops })
    }

    fn behind(hops: usize, source: Source) -> Result<Self, ConfigError> {
        match hops {
            0 => Err(ConfigError::new("`hops` must be at least 1; without a trusted proxy, use `ClientAddr::peer`")),
            _ => Ok(Self { source }),
        }
    }

    /// Finds the client's address in the headers and extensions of a request.
    ///
    /// Returns `None` if no trusted proxy gives an address and the host has not set [`PeerAddr`]. An IPv4 address that
    /// is mapped to IPv6 (`::ffff:203.0.113.9`) is returned as IPv4.
    pub fn find(&self, headers: &HeaderMap, extensions: &Extensions) -> Option<IpAddr> {
        let said = match self.source {
            Source::Peer => None,
            Source::Forwarded { hops } => {
                entry(headers, &FORWARDED, hops).and_then(forwarded_for).and_then(node_address)
            }
            Source::XForwardedFor { hops } => entry(headers, &X_FORWARDED_FOR, hops).and_then(node_address),
        };
        let peer = || extensions.get::<PeerAddr>().map(|PeerAddr(address)| address.ip());
        said.or_else(peer).map(|address| address.to_canonical())
    }
}

/// Entry number `place` from the right, over all lines of `header`.
fn entry<'a>(headers: &'a HeaderMap, header: &HeaderName, place: usize) -> Option<&'a str> {
    let lines = headers.get_all(header).iter().rev();
    let entry = lines.flat_map(|line| from_the_right(line.as_bytes(), b',')).nth(place - 1)?;
    std::str::from_utf8(entry).ok()
}

/// Splits `text` at unquoted separators and returns the parts from right to left, trimmed, without empty ones.
///
/// It reads from the right because the client controls the left: a quote that the client opens and never closes must
/// not swallow an entry that a proxy appends.
fn from_the_right(text: &[u8], separator: u8) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let mut quoted = false;
        for (at, byte) in text.iter().enumerate().rev() {
            if *byte == b'"' {
                let backslashes = text[..at].iter().rev().take_while(|byte| **byte == b'\\').count();
                // From the right, the first quote closes a string. A later quote opens it, unless it is escaped.
                quoted = !quoted || !backslashes.is_multiple_of(2);
            } else if *byte == separator && !quoted {
                rest = Some(&text[..at]);
                return Some(&text[at + 1..]);
            }
        }
        rest = None;
        Some(text)
    })
    .map(<[u8]>::trim_ascii)
    .filter(|part| !part.is_empty())
}

/// The value of the only `for` in an element of `Forwarded`, without quotes. `None` if there is no `for` or more than
/// one.
fn forwarded_for(element: &str) -> Option<&str> {
    let mut nodes = from_the_right(element.as_bytes(), b';').filter_map(|pair| {
        let (name, value) = std::str::from_utf8(pair).ok()?.split_once('=')?;
        name.eq_ignore_ascii_case("for").then_some(value)
    });
    let node = nodes.next()?;
    if nodes.next().is_some() {
        return None;
    }
    node.strip_prefix('"').map_or(Some(node), |node| node.strip_suffix('"'))
}

/// The address of a node, with or without a port. An IPv6 address may be in brackets.
fn node_address(node: &str) -> Option<IpAddr> {
    let Some(bracketed) = node.strip_prefix('[') else {
        // A single colon begins a port. Several colons are part of an IPv6 address.
        return match node.split_once(':') {
            Some((address, port)) if !port.contains(':') => {
                is_port(port).then(|| address.parse().ok().map(IpAddr::V4))?
            }
            _ => node.parse().ok(),
        };
    };
    let (address, port) = bracketed.split_once(']')?;
    let port_is_right = port.is_empty() || port.strip_prefix(':').is_some_and(is_port);
    port_is_right.then(|| address.parse::<Ipv6Addr>().ok().map(IpAddr::V6))?
}

/// Whether `port` is a number or an obfuscated port (RFC 7239, section 6).
fn is_port(port: &str) -> bool {
    let obfuscated = |name: &str| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
    port.parse::<u16>().is_ok() || port.strip_prefix('_').is_some_and(obfuscated)
}

#[cfg(test)]
mod tests {
    use http::{HeaderValue, Request, request::Parts};
    use proptest::prelude::*;

    use super::*;

    const PEER: &str = "10.0.0.1";

    fn find(client_addr: ClientAddr, head: &Parts) -> Option<IpAddr> {
        client_addr.find(&head.headers, &head.extensions)
    }

    fn head(header: &HeaderName, lines: &[&[u8]]) -> Parts {
        let (mut head, ()) = Request::new(()).into_parts();
        head.extensions.insert(PeerAddr(SocketAddr::new(PEER.parse().unwrap(), 4711)));
        for line in lines {
            head.headers.append(header, HeaderValue::from_bytes(line).unwrap());
        }
        head
    }

    fn x_forwarded_for(hops: usize, lines: &[&str]) -> String {
        let lines: Vec<_> = lines.iter().map(|line| line.as_bytes()).collect();
        let found = find(ClientAddr::x_forwarded_for(hops).unwrap(), &head(&X_FORWARDED_FOR, &lines));
        found.unwrap().to_string()
    }

    fn forwarded(hops: usize, lines: &[&str]) -> String {
        let lines: Vec<_> = lines.iter().map(|line| line.as_bytes()).collect();
        find(ClientAddr::forwarded(hops).unwrap(), &head(&FORWARDED, &lines)).unwrap().to_string()
    }

    #[test]
    fn headers_are_ignored_by_default() {
        for header in [FORWARDED, X_FORWARDED_FOR] {
            let head = head(&header, &[b"for=6.6.6.6", b"6.6.6.6"]);
            assert_eq!(find(ClientAddr::default(), &head), Some(PEER.parse().unwrap()));
        }
        let other = find(ClientAddr::forwarded(1).unwrap(), &head(&X_FORWARDED_FOR, &[b"6.6.6.6"]));
        assert_eq!(other, Some(PEER.parse().unwrap()));
        assert_eq!(find(ClientAddr::peer(), &Request::new(()).into_parts().0), None);
    }

    #[test]
    fn hops_are_counted_from_the_right_over_all_lines() {
        let lines = ["6.6.6.6, 7.7.7.7", "203.0.113.9", " , 198.51.100.2 ,, 192.0.2.3 ,"];
        for (hops, address) in
            [(1, "192.0.2.3"), (2, "198.51.100.2"), (3, "203.0.113.9"), (4, "7.7.7.7"), (5, "6.6.6.6"), (6, PEER)]
        {
            assert_eq!(x_forwarded_for(hops, &lines), address, "{hops}");
        }
        assert_eq!(x_forwarded_for(usize::MAX, &lines), PEER);
        assert_eq!(x_forwarded_for(1, &[]), PEER);
        assert_eq!(x_forwarded_for(1, &["", " , "]), PEER);
        assert!(ClientAddr::forwarded(0).is_err() && ClientAddr::x_forwarded_for(0).is_err());
    }

    #[test]
    fn a_node_is_an_address_with_or_without_a_port() {
        for (node, address) in [
            ("192.0.2.43", "192.0.2.43"),
            ("192.0.2.43:47011", "192.0.2.43"),
            ("192.0.2.43:_a.b-c", "192.0.2.43"),
            ("2001:db8::17", "2001:db8::17"),
            ("[2001:db8::17]", "2001:db8::17"),
            ("[2001:db8::17]:4711", "2001:db8::17"),
            ("[2001:DB8::17]:_x", "2001:db8::17"),
            ("::ffff:192.0.2.43", "192.0.2.43"),
            ("[::ffff:192.0.2.43]:1", "192.0.2.43"),
        ] {
            assert_eq!(x_forwarded_for(1, &[node]), address);
            assert_eq!(forwarded(1, &[&format!("for=\"{node}\"")]), address);
        }
        for node in [
            "unknown",
            "_hidden",
            "localhost",
            "192.0.2",
            "192.0.2.043",
            "192.0.2.43:",
            "192.0.2.43:65536",
            "192.0.2.43:x",
            "[192.0.2.43]",
            "[2001:db8::17",
            "2001:db8::17]",
            "[2001:db8::17]4711",
            "[2001:db8::17]:",
            "[]",
            "fe80::1%eth0",
            "192.0.2.43 192.0.2.44",
            "\"",
        ] {
            assert_eq!(x_forwarded_for(1, &["6.6.6.6", node]), PEER, "{node}");
            assert_eq!(forwarded(1, &["for=6.6.6.6", &format!("for=\"{node}\"")]), PEER, "{node}");
        }
    }

    #[test]
    fn elements_of_forwarded() {
        for (element, address) in [
            ("for=192.0.2.43", "192.0.2.43"),
            ("FOR=192.0.2.43", "192.0.2.43"),
            ("proto=https;for=192.0.2.43;by=203.0.113.43", "192.0.2.43"),
            ("host=\"a,b;for=6.6.6.6\" ; for=192.0.2.43", "192.0.2.43"),
            ("for=192.0.2.43;host=\"a\\\", for=6.6.6.6;x=\\\"b\"", "192.0.2.43"),
            ("for=192.0.2.43;host=\"a\\\\\"", "192.0.2.43"),
            ("proto=https", PEER),
            ("for=192.0.2.43;for=192.0.2.44", PEER),
            ("for", PEER),
            ("for=", PEER),
            ("for=\"192.0.2.43", PEER),
        ] {
            assert_eq!(forwarded(1, &[element]), address, "{element}");
        }
        let lines = ["for=6.6.6.6", "for=192.0.2.43, proto=https;by=_proxy, for=\"[2001:db8::17]\""];
        for (hops, address) in [(1, "2001:db8::17"), (2, PEER), (3, "192.0.2.43")] {
            assert_eq!(forwarded(hops, &lines), address, "{hops}");
        }
    }

    proptest! {
        /// The client cannot change the entries that the proxies append.
        #[test]
        fn the_client_cannot_override_the_proxies(
            sent in "[ -~\u{80}-\u{ff}\\\\\"\\[\\],;=]{0,40}",
            same_line: bool,
            hops in 1_usize..4,
        ) {
            let bytes: Vec<u8> = sent.chars().map(|c| c as u8).filter(|byte| *byte != 0x7f).collect();
            let truth: IpAddr = "203.0.113.9".parse().unwrap();
            for (header, first, client_addr) in [
                (&X_FORWARDED_FOR, "203.0.113.9:80", ClientAddr::x_forwarded_for(hops).unwrap()),
                (&FORWARDED, "proto=https;for=\"203.0.113.9:80\"", ClientAddr::forwarded(hops).unwrap()),
            ] {
                let appended = [&[first][..], &vec!["unknown"; hops - 1]].concat().join(", ");
                let head = if same_line {
                    head(header, &[&[&bytes[..], b", ", appended.as_bytes()].concat()])
                } else {
                    head(header, &[&bytes, appended.as_bytes()])
                };
                prop_assert_eq!(find(client_addr, &head), Some(truth));
            }
        }
    }
}
