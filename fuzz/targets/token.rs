//! Tokens, and the text of key rings.

#![no_main]

use std::{sync::LazyLock, time::Duration};

use arbitrary::Arbitrary;
use data_encoding::{BASE64_NOPAD, BASE64URL_NOPAD};
use libfuzzer_sys::fuzz_target;
use tower_verify::token::{CheckError, Issued, Key, KeyRing, Signer};

static SIGNER: LazyLock<Signer> = LazyLock::new(|| {
    let keys = KeyRing::new(Key::from_bytes("new", &[1; 32]).expect("it is a key"));
    let keys = keys.with_next(Key::from_bytes("old", &[2; 40]).expect("it is a key")).expect("it has another id");
    Signer::new("fuzz", "fuzzing", "", keys).expect("the configuration is valid")
});
static ISSUED: LazyLock<Issued> = LazyLock::new(|| SIGNER.issue(&[b"bound"], HOUR).expect("the system has randomness"));

const HOUR: Duration = Duration::from_secs(3600);

#[derive(Arbitrary, Debug)]
enum Input<'a> {
    /// Each is a place, a byte, and whether to replace, remove or insert.
    Edited(Vec<(u8, u8, u8)>),
    Text(&'a str),
    Bound {
        subject: &'a [u8],
        binding: Vec<&'a [u8]>,
        other: &'a [u8],
        others: Vec<&'a [u8]>,
    },
    KeyRing(Vec<RingPiece<'a>>),
}

/// A part of the text of a key ring.
#[derive(Arbitrary, Debug)]
enum RingPiece<'a> {
    Key { id: &'a str, bytes: &'a [u8], form: u8 },
    LongKey { id: u8, byte: u8, form: u8 },
    Comma,
    Text(&'a str),
}

fuzz_target!(|input: Input<'_>| {
    match input {
        Input::Edited(edits) => edited(&edits),
        Input::Text(text) => assert!(SIGNER.check(text, &[b"bound"]).is_err() || text == issued()),
        Input::Bound { subject, binding, other, others } => bound(subject, &binding, other, &others),
        Input::KeyRing(pieces) => key_ring(&pieces.iter().map(RingPiece::text).collect::<String>()),
    }
});

fn issued() -> &'static str {
    ISSUED.token.expose_secret()
}

/// Only the issued text is a good token.
fn edited(edits: &[(u8, u8, u8)]) {
    let mut text = issued().as_bytes().to_vec();
    for (place, byte, how) in edits {
        let place = usize::from(*place) % (text.len() + 1);
        match how % 3 {
            0 if place < text.len() => text[place] = *byte,
            1 if place < text.len() => drop(text.remove(place)),
            _ => text.insert(place, *byte),
        }
    }
    let Ok(text) = String::from_utf8(text) else { return };
    assert_eq!(SIGNER.check(&text, &[b"bound"]).is_ok(), text == issued(), "{text}");
}

/// A token is good for the subject and the binding that it was issued for, and for no other.
fn bound(subject: &[u8], binding: &[&[u8]], other: &[u8], others: &[&[u8]]) {
    let issued = SIGNER.issue_for(subject, binding, HOUR).expect("the system has randomness");
    let token = issued.token.expose_secret();
    assert_eq!(SIGNER.check_for(subject, token, binding).map(|checked| checked.id), Ok(issued.id));
    let expected = match (subject == other, binding == others) {
        (true, true) => None,
        (true, false) => Some(CheckError::BoundToOther),
        (false, _) => Some(CheckError::NotOurs),
    };
    assert_eq!(SIGNER.check_for(other, token, others).err(), expected);
}

impl RingPiece<'_> {
    fn text(&self) -> String {
        match self {
            Self::Key { id, bytes, form } => format!("{id}:{}", encoded(bytes, *form)),
            Self::LongKey { id, byte, form } => format!("k{}:{}", id % 4, encoded(&[*byte; 32], *form)),
            Self::Comma => ",".to_owned(),
            Self::Text(text) => (*text).to_owned(),
        }
    }
}

/// One of the four forms of base64.
fn encoded(bytes: &[u8], form: u8) -> String {
    let mut text = if form % 2 == 0 { BASE64_NOPAD.encode(bytes) } else { BASE64URL_NOPAD.encode(bytes) };
    if form & 2 == 0 {
        text.push_str(&"=="[..(4 - text.len() % 4) % 4]);
    }
    text
}

/// A text is read as the keys that are in it, and only if all of it is well-formed.
fn key_ring(text: &str) {
    let parsed = KeyRing::parse(text);
    let expected = text.split(',').map(|part| key(part.trim())).collect::<Option<Vec<_>>>();
    let expected = expected.filter(|keys| {
        let twice = |at: usize| keys[..at].iter().any(|(id, _)| *id == keys[at].0);
        !(0..keys.len()).any(twice)
    });
    assert_eq!(parsed.is_ok(), expected.is_some(), "{text:?}");
    let (Ok(ring), Some(keys)) = (parsed, expected) else { return };
    assert_eq!(ring.ages().len(), keys.len());
    let (id, bytes) = &keys[0];
    let other = Signer::new("fuzz", "fuzzing", "", KeyRing::new(Key::from_bytes(id, bytes).expect("it is a key")));
    let signer = Signer::new("fuzz", "fuzzing", "", ring.clone()).expect("the configuration is valid");
    let issued = other.expect("the configuration is valid").issue(&[], HOUR).expect("the system has randomness");
    assert!(signer.check(issued.token.expose_secret(), &[]).is_ok(), "the first key is read as another one");
    assert!(!format!("{ring:?}").contains(&BASE64_NOPAD.encode(bytes)));
}

fn key(part: &str) -> Option<(String, Vec<u8>)> {
    let (id, text) = part.split_once(':')?;
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let is_id = (1..=16).contains(&id.len()) && id.chars().all(allowed);
    // Padding may be left out.
    let unpadded = text.trim_end_matches('=');
    let padding = text.len() - unpadded.len();
    let whole = padding <= (4 - unpadded.len() % 4) % 4;
    let bytes = match unpadded.contains(['-', '_']) {
        true => BASE64URL_NOPAD.decode(unpadded.as_bytes()),
        false => BASE64_NOPAD.decode(unpadded.as_bytes()),
    };
    let bytes = bytes.ok().filter(|bytes| bytes.len() >= 32)?;
    (is_id && whole).then(|| (id.to_owned(), bytes))
}
