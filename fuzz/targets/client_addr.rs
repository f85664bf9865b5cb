//! The client's address in `Forwarded` and `X-Forwarded-For`.
//!
//! Whatever a client writes, the entry that a trusted proxy appends after it counts. The input is the client's headers.

#![no_main]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use http::{HeaderMap, HeaderName, HeaderValue, Request, header::FORWARDED};
use libfuzzer_sys::fuzz_target;
use tower_verify::{ClientAddr, PeerAddr};
use tower_verify_fuzz::message;

const PEER: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));
const CLIENTS: [IpAddr; 2] =
    [IpAddr::V4(Ipv4Addr::new(203, 0, 113, 9)), IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 9))];

fuzz_target!(|input: &[u8]| {
    let headers = message::parse("/", input).into_parts().0.headers;
    let x_forwarded_for = HeaderName::from_static("x-forwarded-for");

    assert_eq!(find(ClientAddr::peer(), &headers), PEER, "a header is read without a trusted proxy");
    for hops in [1, 2, 5] {
        let by_list = find(ClientAddr::x_forwarded_for(hops).expect("there are hops"), &headers);
        assert!(by_list == PEER || said(&headers, &x_forwarded_for, by_list), "{by_list} is nowhere");
        let by_field = find(ClientAddr::forwarded(hops).expect("there are hops"), &headers);
        assert!(by_field == PEER || said(&headers, &FORWARDED, by_field), "{by_field} is nowhere");
    }

    for client in CLIENTS {
        let node = if client.is_ipv6() { format!("\"[{client}]:4711\"") } else { client.to_string() };
        for entry in [format!("for={node}"), format!("by=10.0.0.2;For={node};proto=https")] {
            appended(&headers, &FORWARDED, &entry, ClientAddr::forwarded, client);
        }
        appended(&headers, &x_forwarded_for, &client.to_string(), ClientAddr::x_forwarded_for, client);
    }
    // A proxy that hides the client leaves the connection's address.
    for hidden in ["for=unknown", "for=_hidden", "proto=https", "for=\"[2001:db8::9\""] {
        appended(&headers, &FORWARDED, hidden, ClientAddr::forwarded, PEER);
    }
    appended(&headers, &x_forwarded_for, "unknown", ClientAddr::x_forwarded_for, PEER);
});

/// A proxy appends `entry`, to the last line or as a line of its own, and a second one its own entry.
fn appended<E: std::fmt::Debug>(
    headers: &HeaderMap,
    name: &HeaderName,
    entry: &str,
    behind: fn(usize) -> Result<ClientAddr, E>,
    client: IpAddr,
) {
    let value = |text: &[u8]| HeaderValue::from_bytes(text).expect("it is a value");
    let mut by_line = headers.clone();
    by_line.append(name, value(entry.as_bytes()));
    let mut by_comma = headers.clone();
    let mut lines: Vec<HeaderValue> = headers.get_all(name).iter().cloned().collect();
    let last = lines.pop().map(|last| [last.as_bytes(), b", "].concat()).unwrap_or_default();
    by_comma.remove(name);
    for line in lines.into_iter().chain([value(&[&last, entry.as_bytes()].concat())]) {
        by_comma.append(name, line);
    }
    for mut headers in [by_line, by_comma] {
        assert_eq!(find(behind(1).expect("there are hops"), &headers), client);
        let second = if *name == FORWARDED { "for=10.0.0.3" } else { "10.0.0.3" };
        headers.append(name, value(second.as_bytes()));
        assert_eq!(find(behind(2).expect("there are hops"), &headers), client);
    }
}

fn find(client_addr: ClientAddr, headers: &HeaderMap) -> IpAddr {
    let mut request = Request::new(());
    request.extensions_mut().insert(PeerAddr(SocketAddr::new(PEER, 4711)));
    client_addr.find(headers, request.extensions()).expect("there is a peer")
}

/// Whether some part of a header is this address.
fn said(headers: &HeaderMap, name: &HeaderName, address: IpAddr) -> bool {
    let is_part = |byte: u8| !byte.is_ascii_hexdigit() && byte != b'.' && byte != b':';
    headers.get_all(name).iter().any(|line| {
        line.as_bytes().split(|byte| is_part(*byte)).any(|part| {
            let text = std::str::from_utf8(part).unwrap_or_default();
            // A port is after a colon, which is a part of an address too.
            let shorter = text.match_indices(':').map(|(at, _)| &text[..at]);
            shorter.chain([text]).any(|text| text.parse::<IpAddr>().is_ok_and(|said| said.to_canonical() == address))
        })
    })
}
