//! Frames of HTTP/2 (RFC 9113), written by hand, as no well-behaved client writes them.

pub(crate) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const CONTINUATION: u8 = 9;

const END_HEADERS: u8 = 4;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("a frame is small").to_be_bytes();
    let mut frame = length[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

pub(crate) fn settings() -> Vec<u8> {
    frame(SETTINGS, 0, 0, &[])
}

pub(crate) fn ping() -> Vec<u8> {
    frame(PING, 0, 0, &[7; 8])
}

/// The head of a check whose body never ends by itself.
pub(crate) fn headers(stream: u32) -> Vec<u8> {
    frame(HEADERS, END_HEADERS, stream, &head())
}

/// The beginning of a head. Frames of `continuation` follow.
pub(crate) fn unfinished_headers(stream: u32) -> Vec<u8> {
    frame(HEADERS, 0, stream, &head())
}

/// One more header of an unfinished head.
pub(crate) fn continuation(stream: u32) -> Vec<u8> {
    frame(CONTINUATION, 0, stream, &[&[0, 3][..], b"x-a", &[100], &[b'a'; 100]].concat())
}

pub(crate) fn data(stream: u32, bytes: &[u8]) -> Vec<u8> {
    frame(DATA, 0, stream, bytes)
}

pub(crate) fn reset(stream: u32) -> Vec<u8> {
    frame(RST_STREAM, 0, stream, &8_u32.to_be_bytes())
}

/// The fields of a check, in HPACK (RFC 7541): indexed ones, and literals with an indexed name.
fn head() -> Vec<u8> {
    const PATH: &[u8] = b"/checkauthtoken";
    const TYPE: &[u8] = b"application/json";

    let literal = |name: &[u8], value: &[u8]| [name, &[value.len() as u8], value].concat();
    [vec![0x83, 0x86], literal(&[0x04], PATH), literal(&[0x01], b"localhost"), literal(&[0x0f, 0x10], TYPE)].concat()
}
