//! Signed tokens: short texts that an app issues and later recognizes, without storing anything.
//!
//! A [`Signer`] issues tokens for one purpose of one tenant, and checks them. A [`KeyRing`] holds its keys, which can
//! be rotated while the app runs. Nodes that share the keys accept each other's tokens.
//!
//! ```
//! use std::time::Duration;
//! use tower_verify::token::{KeyRing, CheckError, Signer};
//!
//! let signer = Signer::new("dlgc", "activation", "example.com", KeyRing::generate()?)?;
//! let issued = signer.issue(&[b"1234567", b"device-7"], Duration::from_secs(300))?;
//!
//! let token = issued.token.expose_secret();
//! assert!(token.starts_with("dlgc_") && token.len() <= 100);
//! assert_eq!(signer.check(token, &[b"1234567", b"device-7"]).unwrap().id, issued.id);
//! assert_eq!(signer.check(token, &[b"1234567", b"device-8"]).unwrap_err(), CheckError::BoundToOther);
//! assert_eq!(signer.check("dlgc_guess", &[b"1234567", b"device-7"]).unwrap_err(), CheckError::NotOurs);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Format
//!
//! A token is a readable part, such as `dlgc_1.k7.`, and 72 characters of base64url. The readable part is the prefix
//! `dlgc`, by which people and secret scanners recognize the token, the version `1` of the format, and the id `k7` of
//! the key. The 72 characters encode:
//!
//! | field | bits |
//! |---|---:|
//! | the expiry, in milliseconds since the Unix epoch | 48 |
//! | the [`TokenId`] | 128 |
//! | a digest of the binding: what the token is bound to; zero if it is bound to nothing | 128 |
//! | a MAC over the expiry, the id, the digest and the subject | 128 |
//!
//! The 72 characters are exactly 54 bytes, so no two texts decode to the same token. A token has at most 100
//! characters, and none of them needs escaping in a URL.
//!
//! The MAC is a truncated HMAC-SHA-256. The digest is a truncated SHA-256 over a block with a key, the id, and each part
//! of the binding after its length. Both keys are derived: they are HMACs of version, prefix, key id, purpose and
//! tenant under the key of the ring. So the purpose and the tenant are authenticated without being in the token. A
//! check costs about as much as two HMAC-SHA-256.
//!
//! # Security
//!
//! Only the MAC decides whether a token is genuine. It covers every bit of the payload, so a token that is changed is not
//! ours, whether its binding is checked or not. The digest only has to differ for every other binding, and to hide the
//! binding: without its key, nobody can find another binding with the same digest, or test a guess at the binding.
//! It covers the id too, so nobody sees whether two tokens are bound to the same device.
//!
//! A check trusts no field of a token before it has verified the MAC. It compares in constant time, and computes the MAC
//! and the digest before it reports a refusal. So it takes the same time for a good token and for one that is made up, is
//! of another subject, is bound to something else, or has expired. Only a text of another length, or with an unknown
//! key id, is refused at once.
//!
//! Anybody who has a token can read the key's id, the expiry and the token's id, and whether it is bound to anything. A
//! token is good for any number of checks until it expires. Use a [`Register`] for tokens that are for single use or
//! can be revoked.

mod hashing;
mod issue;
mod key;
mod keyed_digest;
mod keyring;
mod mac;
mod payload;
mod register;
mod signer;
#[cfg(test)]
mod tests;

pub(crate) use self::hashing::update_part;
#[cfg(feature = "policy")]
pub(crate) use self::keyed_digest::{KeyedDigest, TagKey, Tagger};
pub use self::{
    issue::{IssueError, Issued, TokenId, checked_ttl},
    key::{Key, KeyId},
    keyring::KeyRing,
    register::{Register, RegisterError},
    signer::{CheckError, Checked, Signer},
};
