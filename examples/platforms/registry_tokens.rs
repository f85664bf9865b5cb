//! The verifier of the registry's token server: signs a JSON Web Token for what the user may do of what was asked for.

use std::time::{Duration, SystemTime};

use base64::{Engine, prelude::BASE64_STANDARD};
use http::Request;
use jsonwebtoken::{
    Algorithm, EncodingKey, Header,
    crypto::{CryptoProvider, JwtSigner, KeyUtils},
    errors::{ErrorKind, Result},
};
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair},
};
use serde::Serialize;
use signature::{Error, Signer};
use tower_verify::{BoxError, Secret, Verifier, unix_millis};

use super::{demo, registry::Asked};

/// A client assumes 60 s and may be slow.
const LIFETIME: Duration = Duration::from_secs(300);

/// The `issuer` of the registry's configuration.
pub(crate) const ISSUER: &str = "platforms";

/// Signs tokens with ECDSA on P-256. The registry trusts the certificate of the key.
pub(crate) struct Issuer {
    key: EncodingKey,
    header: Header,
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'static str,
    sub: &'a str,
    aud: &'a str,
    iat: u64,
    nbf: u64,
    exp: u64,
    jti: String,
    access: Vec<Access>,
}

#[derive(Serialize)]
struct Access {
    r#type: String,
    name: String,
    actions: Vec<String>,
}

impl Issuer {
    /// An issuer with a key in PKCS #8 and the key's X.509 certificate, both in DER.
    pub(crate) fn new(key: &[u8], certificate: &[u8]) -> Self {
        // It fails if the provider was installed before: it is the same one.
        let _ = PROVIDER.install_default();
        let mut header = Header::new(Algorithm::ES256);
        header.x5c = Some(vec![BASE64_STANDARD.encode(certificate)]);
        Self { key: EncodingKey::from_ec_der(key), header }
    }
}

impl Verifier<Asked> for Issuer {
    async fn verify(&self, request: Request<Asked>) -> std::result::Result<Option<Secret>, BoxError> {
        let Asked { user, password, service, scopes } = request.body();
        if !demo::is_password(user, password).await? {
            return Ok(None);
        }
        let user = user.expose_secret();
        let now = unix_millis(SystemTime::now()) / 1000;
        let claims = Claims {
            iss: ISSUER,
            sub: user,
            aud: service.expose_secret(),
            iat: now,
            nbf: now,
            exp: now + LIFETIME.as_secs(),
            jti: random_id()?,
            access: scopes.iter().filter_map(|scope| granted(user, scope)).collect(),
        };
        Ok(Some(jsonwebtoken::encode(&self.header, &claims, &self.key)?.into()))
    }
}

/// The part of `scope` that the user may have: everything in the user's own repositories, and pull from `library`.
fn granted(user: &str, scope: &str) -> Option<Access> {
    let (resource, asked) = scope.rsplit_once(':')?;
    let (r#type, name) = resource.split_once(':')?;
    let allowed = match name.split_once('/')? {
        (owner, _) if r#type == "repository" && owner == user => &["pull", "push", "delete"][..],
        ("library", _) if r#type == "repository" => &["pull"],
        _ => return None,
    };
    let actions = asked.split(',').filter(|action| allowed.contains(action)).map(str::to_owned).collect();
    Some(Access { r#type: r#type.to_owned(), name: name.to_owned(), actions })
}

fn random_id() -> std::result::Result<String, getrandom::Error> {
    let mut id = [0; 16];
    getrandom::fill(&mut id)?;
    Ok(BASE64_STANDARD.encode(id))
}

/// jsonwebtoken's signatures by `ring`, which rustls has in the graph already. Nothing here checks a JSON Web Token.
static PROVIDER: CryptoProvider = CryptoProvider {
    signer_factory: |_, key| Ok(Box::new(Es256::new(key.as_bytes())?)),
    verifier_factory: |_, _| Err(ErrorKind::InvalidAlgorithm.into()),
    key_utils: KeyUtils::new_unimplemented(),
};

struct Es256(EcdsaKeyPair);

impl Es256 {
    fn new(key: &[u8]) -> Result<Self> {
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, key, &SystemRandom::new());
        Ok(Self(key.map_err(|_| ErrorKind::InvalidEcdsaKey)?))
    }
}

impl Signer<Vec<u8>> for Es256 {
    fn try_sign(&self, message: &[u8]) -> std::result::Result<Vec<u8>, Error> {
        let signature = self.0.sign(&SystemRandom::new(), message).map_err(|_| Error::new())?;
        Ok(signature.as_ref().to_vec())
    }
}

impl JwtSigner for Es256 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::ES256
    }
}
