use std::{
    collections::HashSet,
    thread,
    time::{Duration, SystemTime},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use proptest::{collection::vec, prelude::*};
use static_assertions::{assert_impl_all, assert_not_impl_any};

use super::*;
use crate::ManualClock;

assert_impl_all!(Signer: Send, Sync, Clone, std::fmt::Debug);
assert_impl_all!(KeyRing: Send, Sync, Clone, std::fmt::Debug);
assert_not_impl_any!(Key: std::fmt::Display, PartialEq, serde::Serialize);

const TTL: Duration = Duration::from_secs(300);

fn key(id: &str, byte: u8) -> Key {
    Key::from_bytes(id, &[byte; 32]).unwrap()
}

fn noon() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_millis(1_784_000_000_123)
}

fn signer_of(keys: KeyRing) -> (Signer, ManualClock) {
    let clock = ManualClock::new(noon());
    (Signer::new("dlgc", "activation", "example.com", keys).unwrap().clock(clock.clone()), clock)
}

fn signer() -> (Signer, ManualClock) {
    signer_of(KeyRing::new(key("k7", 7)))
}

fn slices(parts: &[Vec<u8>]) -> Vec<&[u8]> {
    parts.iter().map(Vec::as_slice).collect()
}

#[test]
fn a_token_has_the_documented_format() {
    let (signer, _) = signer();
    let issued = signer.issue(&[b"1234567"], TTL).unwrap();
    let payload = issued.token.expose_secret().strip_prefix("dlgc_1.k7.").unwrap();
    assert_eq!(payload.len(), 72);
    let bytes = URL_SAFE_NO_PAD.decode(payload).unwrap();
    assert_eq!(bytes.len(), 54);
    assert_eq!(bytes[..6], 1_784_000_300_123_u64.to_be_bytes()[2..]);
    assert_eq!(URL_SAFE_NO_PAD.encode(&bytes[6..22]), issued.id.to_string());
    assert_eq!(issued.expires_at, noon() + TTL);
}

/// Tokens outlive a release, so their codes must not change.
#[test]
fn the_mac_is_a_truncated_hmac_sha_256() {
    use hmac::{Hmac, KeyInit, Mac};
    use sha2::{Digest, Sha256};
    let hmac = |key: &[u8], message: &[u8]| {
        let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
        mac.update(message);
        mac.finalize().into_bytes()
    };
    let derived = |label: &[u8]| hmac(&[7; 32], &[label, b"\x011\x04dlgc\x02k7\x0aactivation\x0bexample.com"].concat());
    let (signer, _) = signer();
    let device = [b'd'; 300];
    let issued = signer.issue_for(b"1234567", &[b"ab", &device], TTL).unwrap();
    let bytes = URL_SAFE_NO_PAD.decode(&issued.token.expose_secret()[10..]).unwrap();
    let (content, mac) = bytes.split_at(38);
    assert_eq!(*mac, hmac(&derived(b"\x12tower-verify token"), &[content, b"1234567"].concat())[..16]);

    // Bindings and pseudonyms are digests: SHA-256 of a block with the key, and of the value.
    let digest = |label: &[u8], message: &[&[u8]]| {
        Sha256::digest([&derived(label)[..], &[0; 32], &message.concat()].concat())[..16].to_owned()
    };
    let binding = digest(b"\x14tower-verify binding", &[&content[6..22], b"\x02ab\xac\x02", &device]);
    assert_eq!(content[22..], binding);
    assert_eq!(signer.pseudonym(b"1234567")[..], digest(b"\x16tower-verify pseudonym", &[b"\x071234567"]));
    assert_eq!(signer.pseudonyms(b"1234567"), [signer.pseudonym(b"1234567")]);

    let unbound = signer.issue(&[], TTL).unwrap();
    let bytes = URL_SAFE_NO_PAD.decode(&unbound.token.expose_secret()[10..]).unwrap();
    assert_eq!(bytes[22..38], [0; 16]);
}

#[test]
fn every_changed_bit_is_refused() {
    let (signer, _) = signer_of(KeyRing::new(key("k7", 7)).with_next(key("k6", 7)).unwrap());
    for _ in 0..20 {
        let token = signer.issue(&[b"1234567"], TTL).unwrap().token.expose_secret().to_owned();
        assert!(signer.check(&token, &[b"1234567"]).is_ok());
        for bit in 0..8 * token.len() {
            let mut changed = token.clone().into_bytes();
            changed[bit / 8] ^= 1 << (bit % 8);
            // With the highest bit set, the bytes are not UTF-8.
            let Ok(changed) = String::from_utf8(changed) else { continue };
            assert_eq!(signer.check(&changed, &[b"1234567"]), Err(CheckError::NotOurs), "bit {bit}");
            assert_eq!(signer.check_unbound(&changed), Err(CheckError::NotOurs), "bit {bit}");
        }
    }
}

#[test]
fn every_other_length_is_refused() {
    let (signer, _) = signer();
    let token = signer.issue(&[], TTL).unwrap().token.expose_secret().to_owned();
    for len in 0..token.len() {
        assert_eq!(signer.check(&token[..len], &[]), Err(CheckError::NotOurs));
        assert_eq!(signer.check(&token[len + 1..], &[]), Err(CheckError::NotOurs));
        let without = format!("{}{}", &token[..len], &token[len + 1..]);
        assert_eq!(signer.check(&without, &[]), Err(CheckError::NotOurs));
    }
    for more in ["A", "=", "==", "\n", " ", "\0", "AAAA"] {
        assert_eq!(signer.check(&format!("{token}{more}"), &[]), Err(CheckError::NotOurs), "{more:?}");
        assert_eq!(signer.check(&format!("{more}{token}"), &[]), Err(CheckError::NotOurs), "{more:?}");
    }
    assert_eq!(signer.check(&token.replace('_', "-"), &[]), Err(CheckError::NotOurs));
    assert_eq!(signer.check(&token.to_uppercase(), &[]), Err(CheckError::NotOurs));
}

#[test]
fn the_longest_token_has_100_characters() {
    let keys = KeyRing::new(key("0123456789abcdef", 7));
    let signer = Signer::new("prefix12", "activation", &"long".repeat(100), keys).unwrap();
    let issued = signer.issue_for(&[1; 1000], &[&[2; 1000]], Duration::MAX).unwrap();
    assert_eq!(issued.token.len(), 100);
    assert_eq!(signer.check_for(&[1; 1000], issued.token.expose_secret(), &[&[2; 1000]]).unwrap().id, issued.id);
    assert_eq!(issued.expires_at, SystemTime::UNIX_EPOCH + Duration::from_millis((1 << 48) - 1));
}

#[test]
fn invalid_settings_of_a_signer_are_refused() {
    for prefix in ["", "prefix123", "dlg_c", "Dlg", "dlg.c", "dlg c", "ä"] {
        assert!(Signer::new(prefix, "activation", "", KeyRing::new(key("k7", 7))).is_err(), "{prefix:?}");
    }
    assert!(Signer::new("dlgc", "", "", KeyRing::new(key("k7", 7))).is_err());
}

#[test]
fn a_token_expires_to_the_millisecond() {
    let (signer, clock) = signer();
    let token = signer.issue(&[b"device"], Duration::from_millis(1500)).unwrap().token;
    let check = |binding: &[u8]| signer.check(token.expose_secret(), &[binding]).err();
    clock.advance(Duration::from_millis(1499));
    assert_eq!(check(b"device"), None);
    assert!(signer.check_unbound(token.expose_secret()).is_ok());
    clock.advance(Duration::from_millis(1));
    assert_eq!(check(b"device"), Some(CheckError::Expired));
    assert_eq!(signer.check_unbound(token.expose_secret()), Err(CheckError::Expired));
    assert_eq!(check(b"other"), Some(CheckError::BoundToOther), "expiry is reported only with the right binding");
    assert_eq!(signer.check_for(b"other", token.expose_secret(), &[b"device"]), Err(CheckError::NotOurs));
}

#[test]
fn a_token_is_refused_in_every_other_context() {
    let keys = || KeyRing::new(key("k7", 7));
    let contexts = [
        Signer::new("dlgc", "activation", "example.com", keys()),
        Signer::new("dlga", "activation", "example.com", keys()),
        Signer::new("dlgc", "refresh", "example.com", keys()),
        Signer::new("dlgc", "activation", "example.org", keys()),
        Signer::new("dlgc", "activatio", "nexample.com", keys()),
        Signer::new("dlgc", "activation", "example.com", KeyRing::new(key("k7", 8))),
        Signer::new("dlgc", "activation", "example.com", KeyRing::new(key("k8", 7))),
        Signer::new("dlgc", "activation", "example.com", KeyRing::new(Key::from_bytes("k7", &[7; 33]).unwrap())),
    ]
    .map(Result::unwrap);
    for (i, issuer) in contexts.iter().enumerate() {
        let token = issuer.issue(&[], TTL).unwrap().token;
        for (j, checker) in contexts.iter().enumerate() {
            let checked = checker.check(token.expose_secret(), &[]);
            assert_eq!(checked.err(), (i != j).then_some(CheckError::NotOurs), "{i} {j}");
        }
        // It is refused even with the readable part of the other context.
        let payload = &token.expose_secret()[token.len() - 72..];
        for (head, checker) in [("dlgc_1.k7.", 0), ("dlga_1.k7.", 1), ("dlgc_1.k8.", 6)] {
            let checked = contexts[checker].check(&format!("{head}{payload}"), &[]);
            assert_eq!(checked.is_ok(), checker == i, "{i} {checker}");
        }
    }
}

#[test]
fn no_part_of_a_token_can_be_replaced() {
    let (signer, _) = signer();
    let tokens = [&b"phone"[..], b"desk"].map(|device| signer.issue(&[device], TTL).unwrap().token);
    let [one, other] = tokens.map(|token| URL_SAFE_NO_PAD.decode(&token.expose_secret()[10..]).unwrap());
    let parts = [0..6, 6..22, 22..38, 38..54];
    let check = |bytes: &[u8], device: &[u8]| {
        signer.check(&format!("dlgc_1.k7.{}", URL_SAFE_NO_PAD.encode(bytes)), &[device]).err()
    };
    assert_eq!(check(&one, b"phone"), None);
    assert_eq!(check(&one, b"desk"), Some(CheckError::BoundToOther));
    for part in &parts {
        let mut mixed = one.clone();
        mixed[part.clone()].copy_from_slice(&other[part.clone()]);
        let refused = (mixed != one).then_some(CheckError::NotOurs);
        assert_eq!(check(&mixed, b"phone"), refused, "{part:?}");
        mixed = one.clone();
        mixed[part.clone()].fill(0);
        assert_eq!(check(&mixed, b"phone"), Some(CheckError::NotOurs), "{part:?}");
    }
    for [from, to] in [[22, 38], [38, 22], [6, 22], [6, 38]] {
        let mut mixed = one.clone();
        mixed.copy_within(from..from + 16, to);
        assert_eq!(check(&mixed, b"phone"), Some(CheckError::NotOurs), "{from} to {to}");
    }
}

/// Nobody sees in two tokens that they are for the same device.
#[test]
fn the_digest_of_a_binding_is_another_one_in_each_token() {
    let (signer, _) = signer();
    let digest = |binding: &[&[u8]]| {
        let token = signer.issue(binding, TTL).unwrap().token;
        URL_SAFE_NO_PAD.decode(&token.expose_secret()[10..]).unwrap()[22..38].to_owned()
    };
    assert_ne!(digest(&[b"phone"]), digest(&[b"phone"]));
    assert_ne!(digest(&[b""]), [0; 16], "an empty part is a binding too");
}

#[test]
fn a_token_without_a_binding_is_good_without_one_only() {
    let (signer, _) = signer();
    let token = signer.issue(&[], TTL).unwrap().token;
    assert!(signer.check(token.expose_secret(), &[]).is_ok());
    assert_eq!(signer.check(token.expose_secret(), &[b""]), Err(CheckError::BoundToOther));
    let token = signer.issue(&[b""], TTL).unwrap().token;
    assert_eq!(signer.check(token.expose_secret(), &[]), Err(CheckError::BoundToOther));
}

#[test]
fn no_token_is_refused_during_a_rotation() {
    let (old, new) = (key("old", 1), key("new", 2));
    let phases = [
        KeyRing::new(old.clone()),
        KeyRing::new(old.clone()).with_next(new.clone()).unwrap(),
        KeyRing::new(new.clone()).with_next(old).unwrap(),
        KeyRing::new(new),
    ];
    // Two nodes that are at most one step apart accept each other's tokens.
    let [ring_here, ring_there] = [(); 2].map(|()| KeyRing::new(key("none", 0)));
    let [(here, _), (there, _)] = [&ring_here, &ring_there].map(|ring| signer_of(ring.clone()));
    for step in 0..4 {
        for signing in [step, step.max(1) - 1] {
            ring_here.rotate(phases[step].clone());
            ring_there.rotate(phases[signing].clone());
            for (issuer, checker) in [(&here, &there), (&there, &here)] {
                let token = issuer.issue(&[b"device"], TTL).unwrap().token;
                assert!(checker.check(token.expose_secret(), &[b"device"]).is_ok(), "{step} {signing}");
            }
        }
        let signed_with = here.issue(&[], TTL).unwrap().token;
        let expected = if step < 2 { "dlgc_1.old." } else { "dlgc_1.new." };
        assert!(signed_with.expose_secret().starts_with(expected), "{step}");
    }
}

#[test]
fn a_previous_key_verifies_no_token_after_its_time() {
    let (before, _) = signer_of(KeyRing::new(key("old", 1)));
    let token = before.issue(&[], TTL).unwrap().token;
    let until = noon() + Duration::from_secs(60);
    let (signer, clock) = signer_of(KeyRing::new(key("new", 2)).with_previous(key("old", 1), until).unwrap());
    clock.advance(Duration::from_millis(59_999));
    assert!(signer.check(token.expose_secret(), &[]).is_ok());
    clock.advance(Duration::from_millis(1));
    assert_eq!(signer.check(token.expose_secret(), &[]), Err(CheckError::NotOurs));
}

#[test]
fn rotation_reaches_every_clone_at_once_during_use() {
    let ring = KeyRing::new(key("a", 1)).with_next(key("b", 2)).unwrap();
    let (signer, _) = signer_of(ring.clone());
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let signer = signer.clone();
                for _ in 0..1000 {
                    let token = signer.issue(&[b"device"], TTL).unwrap().token;
                    assert!(signer.check(token.expose_secret(), &[b"device"]).is_ok());
                }
            });
        }
        for round in 0..300 {
            let [current, next] = if round % 2 == 0 { [key("b", 2), key("a", 1)] } else { [key("a", 1), key("b", 2)] };
            let head = format!("dlgc_1.{}.", current.id());
            ring.rotate(KeyRing::new(current).with_next(next).unwrap());
            assert!(signer.issue(&[], TTL).unwrap().token.expose_secret().starts_with(&head));
        }
    });
}

#[test]
fn ids_are_all_different() {
    let (signer, _) = signer();
    let issue = || (0..1000).map(|_| signer.issue(&[], TTL).unwrap().id).collect::<Vec<_>>();
    let ids: HashSet<TokenId> = thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(issue)).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(ids.len(), 4000);
    assert!(!ids.contains(&TokenId([0; 16])));
}

#[test]
fn debug_shows_no_secret() {
    let keys = KeyRing::new(Key::from_bytes("k7", b"605b32dd605b32dd605b32dd605b32dd").unwrap());
    let (signer, _) = signer_of(keys.clone());
    let issued = signer.issue(&[b"605b32dd"], TTL).unwrap();
    let payload = &issued.token.expose_secret()[10..];
    let checked = signer.check(issued.token.expose_secret(), &[b"605b32dd"]);
    for debug in [format!("{signer:?}"), format!("{keys:?}"), format!("{issued:?}"), format!("{checked:?}")] {
        assert!(!debug.contains("605b") && !debug.contains(payload) && !debug.contains("54, 48"), "{debug}");
    }
}

proptest! {
    #[test]
    fn only_the_same_binding_and_subject_pass(
        issued in (vec(any::<u8>(), 0..4), vec(vec(any::<u8>(), 0..4), 0..4)),
        checked in (vec(any::<u8>(), 0..4), vec(vec(any::<u8>(), 0..4), 0..4)),
    ) {
        let (signer, _) = signer();
        let token = signer.issue_for(&issued.0, &slices(&issued.1), TTL).unwrap().token;
        let check = |subject: &[u8], binding: &[Vec<u8>]| {
            signer.check_for(subject, token.expose_secret(), &slices(binding)).err()
        };
        prop_assert_eq!(check(&issued.0, &issued.1), None);
        let other_binding = (issued.1 != checked.1).then_some(CheckError::BoundToOther);
        prop_assert_eq!(check(&issued.0, &checked.1), other_binding);
        let other_subject = if issued.0 == checked.0 { other_binding } else { Some(CheckError::NotOurs) };
        prop_assert_eq!(check(&checked.0, &checked.1), other_subject);
    }

    #[test]
    fn the_same_bytes_in_different_parts_are_another_binding(text in vec(any::<u8>(), 1..300), at in any::<prop::sample::Index>()) {
        let (signer, _) = signer();
        let (left, right) = text.split_at(at.index(text.len()));
        let bindings: [&[&[u8]]; 4] = [&[left, right], &[&text], &[&text, b""], &[b"", &text]];
        for issued in bindings {
            let token = signer.issue(issued, TTL).unwrap().token;
            for checked in bindings {
                let refused = signer.check(token.expose_secret(), checked).err();
                prop_assert_eq!(refused, (issued != checked).then_some(CheckError::BoundToOther));
            }
        }
    }

    #[test]
    fn random_text_is_not_ours(text in "(dlgc_1\\.k7\\.)?[A-Za-z0-9_.-]{0,90}", bytes in any::<[u8; 54]>()) {
        let (signer, _) = signer();
        prop_assert_eq!(signer.check(&text, &[]), Err(CheckError::NotOurs));
        let forged = format!("dlgc_1.k7.{}", URL_SAFE_NO_PAD.encode(bytes));
        prop_assert_eq!(signer.check(&forged, &[]), Err(CheckError::NotOurs));
    }

    #[test]
    fn checking_any_text_does_not_panic(text in ".{0,200}") {
        let (signer, _) = signer();
        prop_assert_eq!(signer.check(&format!("dlgc_1.k7.{text}"), &[]), Err(CheckError::NotOurs));
    }
}
