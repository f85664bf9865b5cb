//! Signed tokens: short texts that an app hands out and knows again, without storing anything.
//!
//! A [`Signer`] issues tokens for one purpose of one tenant and checks them; a [`KeyRing`] holds the keys that it signs
//! with, and is replaced while the app runs. Nodes that share the keys know each other's tokens.
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
//! # What a token is
//!
//! `dlgc_1.k7.` and 72 characters: a prefix by which people and secret scanners know it, the version of the format, the
//! id of the key, and, in base64url, the expiry in milliseconds since the Unix epoch (48 bits), the [`TokenId`] (128
//! random bits), and two authentication codes of 128 bits. The second one is over what comes before them and what the
//! token is bound to; the first one is over the same and the second one. As the 72 characters are 54 bytes exactly, no two
//! texts decode to the same token. A token has at most 100 characters, all of which may stand in a URL unescaped.
//!
//! Both codes are truncated HMAC-SHA-256 under a key that is itself the HMAC of version, prefix, key id, purpose and
//! tenant under the ring's key. So the purpose and the tenant are authenticated without being in the token, and a check
//! costs about as much as one HMAC-SHA-256 with its key set-up.
//!
//! # Security
//!
//! Nothing that a token says is believed before its first code was found good, in constant time. From there on, the
//! check takes the same time whether the token is good, expired, or bound to something else.
//!
//! A token can be read by whoever has it: it shows the key's id, its expiry and its own id. What it is bound to is not
//! in it. It is good for any number of checks until it expires: a [`Register`] makes tokens that are for single use, or can
//! be revoked.

mod issue;
mod key;
mod keyring;
mod mac;
mod payload;
mod register;
mod signer;
#[cfg(test)]
mod tests;

pub(crate) use self::mac::update_part;
pub use self::{
    issue::{IssueError, Issued, TokenId, checked_ttl},
    key::{Key, KeyId},
    keyring::KeyRing,
    register::{Register, RegisterError},
    signer::{CheckError, Checked, Signer},
};
