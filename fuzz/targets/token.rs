//! Only the issued text is a good token.

#![no_main]

use std::{sync::LazyLock, time::Duration};

use libfuzzer_sys::fuzz_target;
use tower_verify::token::{Issued, KeyRing, Signer};

static SIGNER: LazyLock<Signer> = LazyLock::new(|| {
    let keys = KeyRing::generate().expect("the system has randomness");
    Signer::new("fuzz", "fuzzing", "", keys).expect("the configuration is valid")
});
static ISSUED: LazyLock<Issued> =
    LazyLock::new(|| SIGNER.issue(&[b"bound"], Duration::from_secs(3600)).expect("the system has randomness"));

// Each three bytes are one edit of the issued token: a place, a byte, and whether to replace, remove or insert.
fuzz_target!(|edits: &[u8]| {
    let issued = ISSUED.token.expose_secret();
    let mut text = issued.as_bytes().to_vec();
    for edit in edits.chunks_exact(3) {
        let place = usize::from(edit[0]) % (text.len() + 1);
        match edit[2] % 3 {
            0 if place < text.len() => text[place] = edit[1],
            1 if place < text.len() => drop(text.remove(place)),
            _ => text.insert(place, edit[1]),
        }
    }
    let Ok(text) = String::from_utf8(text) else { return };
    assert_eq!(SIGNER.check(&text, &[b"bound"]).is_ok(), text == issued, "{text}");
});
