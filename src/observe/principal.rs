use std::fmt;

/// The pseudonym of a principal: a keyed MAC of 128 bits that does not reveal the principal.
///
/// It is displayed as 32 hexadecimal digits. Under one key, a principal always has the same pseudonym, so all its calls
/// can be found. Only with the key can you compute a principal's pseudonym: see [`Pseudonyms`].
///
/// ```
/// use tower_verify::observe::Pseudonyms;
///
/// let pseudonyms = Pseudonyms::new([7; 32]); // 32 random bytes, kept with your other secrets
/// assert_eq!(pseudonyms.of("1234567"), pseudonyms.of("1234567"));
/// assert_ne!(pseudonyms.of("1234567"), pseudonyms.of("7654321"));
/// ```
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

/// Makes the pseudonyms of principals, with HMAC-SHA-256 under a key.
///
/// Clones share the key.
///
/// ```
/// use http::Request;
/// use tower_verify::{
///     BoxError, VerifyLayer,
///     diyalog::{CustomerEndpoint, CustomerToken, CustomerVerdict},
///     observe::Pseudonyms,
///     verifier_fn,
/// };
///
/// async fn verify(request: Request<CustomerToken>) -> Result<CustomerVerdict, BoxError> {
///     let known = request.body().dlg_token == "2121sa"; // ask your database
///     Ok(if known { CustomerVerdict::Validated } else { CustomerVerdict::InvalidToken })
/// }
///
/// let pseudonyms = Pseudonyms::new([7; 32]); // 32 random bytes, kept with your other secrets
/// // Search the logs for this text to find the calls about customer 1234567.
/// let text = pseudonyms.of("1234567").to_string();
/// assert_eq!(text.len(), 32);
///
/// let layer = VerifyLayer::new(CustomerEndpoint::new(), verifier_fn(verify))
///     .principal(move |token| Some(pseudonyms.of(token.customer_no.expose_secret())));
/// ```
#[cfg(feature = "token")]
#[derive(Clone)]
pub struct Pseudonyms(hmac::Hmac<sha2::Sha256>);

#[cfg(feature = "token")]
impl Pseudonyms {
    /// Makes pseudonyms under `key`.
    ///
    /// If you read the logs of several nodes together, give these nodes the same key. The key is a secret: with it,
    /// anybody can check a guess at a principal.
    pub fn new(key: [u8; 32]) -> Self {
        Self(hmac::KeyInit::new_from_slice(&key).expect("an HMAC takes a key of any length"))
    }

    /// The pseudonym of a principal.
    pub fn of(&self, principal: impl AsRef<[u8]>) -> Pseudonym {
        let mut mac = self.0.clone();
        // Differs from the digest of the same principal in a throttle or a cache, even under the same key.
        crate::token::update_part(&mut mac, b"pseudonym");
        crate::token::update_part(&mut mac, principal.as_ref());
        let mut pseudonym = [0; 16];
        pseudonym.copy_from_slice(&hmac::Mac::finalize(mac).into_bytes()[..16]);
        Pseudonym(pseudonym)
    }
}

#[cfg(feature = "token")]
impl fmt::Debug for Pseudonyms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pseudonyms").finish_non_exhaustive()
    }
}

#[cfg(all(test, feature = "token"))]
mod tests {
    use super::*;

    /// Logs are searched for pseudonyms that were made long ago. This one was computed with Python's `hmac`.
    #[test]
    fn pseudonyms_stay_the_same() {
        assert_eq!(Pseudonyms::new([7; 32]).of("1234567").to_string(), "48a7b9511d81cbfb0e75d1be7fac5ddd");
    }
}
