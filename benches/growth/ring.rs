//! The cost of checking a token, by the number of keys in the ring.

use std::{hint::black_box, time::Duration};

use tower_verify::{
    Secret,
    token::{Key, KeyRing, Signer},
};

use crate::scenario::Scenario;

pub(crate) fn scenarios() -> Vec<Scenario> {
    let counts = [1, 2, 4, 8, 16];
    let last = counts.map(|count| {
        Scenario::new("keys", "signed by the last key", count, move |times| {
            let token =
                signer(vec![key(count - 1)]).issue(&[b"1234"], Duration::from_secs(300)).expect("a token").token;
            check(&signer((0..count).map(key).collect()), &token, true, times);
        })
    });
    let unknown = counts.map(|count| {
        Scenario::new("keys", "signed by an unknown key", count, move |times| {
            let token = signer(vec![key(99)]).issue(&[b"1234"], Duration::from_secs(300)).expect("a token").token;
            check(&signer((0..count).map(key).collect()), &token, false, times);
        })
    });
    last.into_iter().chain(unknown).collect()
}

fn key(number: u64) -> Key {
    Key::from_bytes(&format!("2026-{number:02}"), &[number as u8; 32]).expect("a key")
}

fn signer(keys: Vec<Key>) -> Signer {
    let mut keys = keys.into_iter();
    let ring = KeyRing::new(keys.next().expect("a key"));
    let ring = keys.try_fold(ring, KeyRing::with_next).expect("a ring");
    Signer::new("dlgc", "activation", "example.com", ring).expect("a signer")
}

fn check(signer: &Signer, token: &Secret, good: bool, times: u32) {
    assert_eq!(counted_check(signer, token), good);
    for _ in 1..times {
        counted_check(signer, token);
    }
}

#[inline(never)]
fn counted_check(signer: &Signer, token: &Secret) -> bool {
    signer.check(black_box(token.expose_secret()), &[b"1234"]).is_ok()
}
