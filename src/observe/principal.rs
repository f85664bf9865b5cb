use std::fmt;

/// A principal under a name that tells nobody who it is: a keyed MAC, of 128 bits.
///
/// It is written as 32 hexadecimal digits. One principal has one pseudonym, so that its calls can be found together, and
/// whoever has the key can tell which one is somebody's: see [`Pseudonyms`].
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Pseudonym([u8; 16]);

impl fmt::Display for Pseudonym {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Pseudonym {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pseudonym({self})")
    }
}

/// Gives principals their pseudonyms, by HMAC-SHA-256 under a key.
///
/// Clones share the key.
///
/// ```
/// use tower_verify::{VerifyLayer, diyalog, observe::Pseudonyms, verifier_fn};
/// # use tower_verify::BoxError;
///
/// # let verifier = verifier_fn(|_: http::Request<diyalog::CustomerToken>| async {
/// #     Ok::<_, BoxError>(diyalog::CustomerVerdict::Validated)
/// # });
/// let pseudonyms = Pseudonyms::new([7; 32]); // from where your secrets are
/// // Which one is this customer's? It can be looked for in the logs.
/// println!("{}", pseudonyms.of("1234567"));
///
/// let layer = VerifyLayer::new(diyalog::CustomerEndpoint::new(), verifier).principal(move |token| {
///     Some(pseudonyms.of(token.customer_no.expose_secret()))
/// });
/// # let _ = layer;
/// ```
#[cfg(feature = "token")]
#[derive(Clone)]
pub struct Pseudonyms(crate::digest::DigestKey);

#[cfg(feature = "token")]
impl Pseudonyms {
    /// Pseudonyms under `key`. Nodes whose logs are read together share it. It is a secret: names can be guessed, and
    /// with the key a guess can be checked.
    pub fn new(key: [u8; 32]) -> Self {
        Self(crate::digest::DigestKey::new(&key))
    }

    /// The pseudonym of a principal.
    pub fn of(&self, principal: impl AsRef<[u8]>) -> Pseudonym {
        let mut digest = self.0.begin();
        // Another digest than a throttle's or a cache's of the same principal, should they have the same key.
        digest.part(b"pseudonym");
        digest.part(principal.as_ref());
        Pseudonym(digest.end())
    }
}

#[cfg(feature = "token")]
impl fmt::Debug for Pseudonyms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pseudonyms").finish_non_exhaustive()
    }
}
