//! HS256 for jsonwebtoken on the same releases of `hmac` and `sha2` as this crate's, instead of jsonwebtoken's
//! backends. So the bench compares the tokens, and not two releases of one hash.

use hmac::{Hmac, KeyInit, Mac};
use jsonwebtoken::{
    Algorithm, DecodingKey, EncodingKey,
    crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils},
    errors::Result,
};
use sha2::Sha256;
use signature::{Error, Signer, Verifier};

pub(crate) static PROVIDER: CryptoProvider = CryptoProvider {
    signer_factory: |_, key: &EncodingKey| Ok(hs256(key.as_bytes())),
    verifier_factory: |_, key: &DecodingKey| -> Result<Box<dyn JwtVerifier>> { Ok(hs256(key.try_get_as_bytes()?)) },
    key_utils: KeyUtils::new_unimplemented(),
};

struct Hs256(Hmac<Sha256>);

fn hs256(key: &[u8]) -> Box<Hs256> {
    Box::new(Hs256(Hmac::new_from_slice(key).expect("an HMAC takes a key of any length")))
}

impl Signer<Vec<u8>> for Hs256 {
    fn try_sign(&self, message: &[u8]) -> std::result::Result<Vec<u8>, Error> {
        let mut mac = self.0.clone();
        mac.update(message);
        Ok(mac.finalize().into_bytes().to_vec())
    }
}

impl JwtSigner for Hs256 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
}

impl Verifier<Vec<u8>> for Hs256 {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> std::result::Result<(), Error> {
        let mut mac = self.0.clone();
        mac.update(message);
        mac.verify_slice(signature).map_err(Error::from_source)
    }
}

impl JwtVerifier for Hs256 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
}
