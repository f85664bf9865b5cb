//! The measured operations, one function each.

use std::{
    hint::black_box,
    time::{Duration, SystemTime},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use tower_verify::{
    Secret,
    token::{Key, KeyRing, Signer},
};

use crate::jwt;

const KEY: [u8; 32] = [7; 32];
const KEY_ID: &str = "2026-07";
const PURPOSE: &str = "activation";
const TENANT: &str = "example.com";
const CUSTOMER_NO: &str = "1234567";
const DEVICE_ID: &str = "123456789aacaaca";
const TTL: Duration = Duration::from_secs(300);

/// The number of bytes that a token must authenticate at least: a byte for the kind, 48 bits of expiry, 128 random
/// bits, and the customer and the device, each after its length.
const AUTHENTICATED: usize = 1 + 6 + 16 + 1 + CUSTOMER_NO.len() + 1 + DEVICE_ID.len();

pub(crate) const NAMES: [&str; 5] = ["hmac", "issue", "check", "jsonwebtoken encode", "jsonwebtoken decode"];

pub(crate) struct Scenario {
    hmac: Hmac<Sha256>,
    signer: Signer,
    token: Secret,
    jwt_header: Header,
    jwt_encoding_key: EncodingKey,
    jwt_decoding_key: DecodingKey,
    jwt_validation: Validation,
    jwt: String,
}

/// The claims that this crate's token contains or authenticates.
#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: String,
    exp: u64,
    jti: String,
    device: String,
}

impl Scenario {
    pub(crate) fn new() -> Self {
        // The scenarios of one process share the provider.
        let _ = jwt::PROVIDER.install_default();
        let keys = KeyRing::new(Key::from_bytes(KEY_ID, &KEY).expect("a key"));
        let mut jwt_validation = Validation::new(Algorithm::HS256);
        jwt_validation.leeway = 0;
        jwt_validation.set_issuer(&[TENANT]);
        jwt_validation.set_audience(&[PURPOSE]);
        let mut scenario = Self {
            hmac: Hmac::new_from_slice(&KEY).expect("an HMAC takes a key of any length"),
            signer: Signer::new("dlgc", PURPOSE, TENANT, keys).expect("a signer"),
            token: Secret::default(),
            jwt_header: Header { kid: Some(KEY_ID.to_owned()), ..Header::new(Algorithm::HS256) },
            jwt_encoding_key: EncodingKey::from_secret(&KEY),
            jwt_decoding_key: DecodingKey::from_secret(&KEY),
            jwt_validation,
            jwt: String::new(),
        };
        scenario.token = scenario.issue();
        scenario.jwt = scenario.jwt_encode();
        scenario
    }

    /// Runs the operation `name` `times` times.
    pub(crate) fn run(&self, name: &str, times: usize) {
        fn repeat<T>(times: usize, mut once: impl FnMut() -> T) {
            (0..times).for_each(|_| drop(black_box(once())));
        }
        match name {
            "hmac" => repeat(times, || self.hmac()),
            "issue" => repeat(times, || self.issue()),
            "check" => repeat(times, || assert!(self.check())),
            "jsonwebtoken encode" => repeat(times, || self.jwt_encode()),
            "jsonwebtoken decode" => repeat(times, || assert!(self.jwt_decode())),
            _ => panic!("unknown scenario {name}"),
        }
    }

    /// Computes one HMAC-SHA-256 of what a token authenticates. Its key has been set up before, as the signer's has.
    fn hmac(&self) -> [u8; 32] {
        let mut mac = black_box(&self.hmac).clone();
        mac.update(black_box(&[1; AUTHENTICATED]));
        mac.finalize().into_bytes().into()
    }

    fn issue(&self) -> Secret {
        let (subject, binding) = (black_box(CUSTOMER_NO).as_bytes(), black_box(DEVICE_ID).as_bytes());
        self.signer.issue_for(subject, &[binding], TTL).expect("a token").token
    }

    fn check(&self) -> bool {
        let (subject, binding) = (black_box(CUSTOMER_NO).as_bytes(), black_box(DEVICE_ID).as_bytes());
        self.signer.check_for(subject, black_box(self.token.expose_secret()), &[binding]).is_ok()
    }

    /// Encodes the same claims, with 128 bits from the operating system as the id.
    fn jwt_encode(&self) -> String {
        let expires_at = SystemTime::now() + TTL;
        let mut id = [0; 16];
        getrandom::fill(&mut id).expect("randomness");
        let claims = Claims {
            iss: TENANT.to_owned(),
            sub: black_box(CUSTOMER_NO).to_owned(),
            aud: PURPOSE.to_owned(),
            exp: expires_at.duration_since(SystemTime::UNIX_EPOCH).expect("a time after 1970").as_secs(),
            jti: URL_SAFE_NO_PAD.encode(id),
            device: black_box(DEVICE_ID).to_owned(),
        };
        jsonwebtoken::encode(&self.jwt_header, &claims, &self.jwt_encoding_key).expect("a token")
    }

    fn jwt_decode(&self) -> bool {
        let jwt = black_box(&*self.jwt);
        jsonwebtoken::decode::<Claims>(jwt, &self.jwt_decoding_key, &self.jwt_validation).is_ok_and(|decoded| {
            decoded.claims.sub == black_box(CUSTOMER_NO) && decoded.claims.device == black_box(DEVICE_ID)
        })
    }
}
