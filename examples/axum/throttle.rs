//! The throttle of failed attempts. Guessable credentials are counted by principal, random ones by caller.

use std::time::Duration;

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use http::Request;
use tower_verify::{
    BoxError, ClientAddr, ConfigError, Credential, SharedVerifier, Verifier,
    observe::{Pseudonym, Pseudonyms},
    policy::Throttle,
    store::{SharedStore, Store},
};

use crate::settings::Settings;

const WINDOW: Duration = Duration::from_secs(15 * 60);

/// Failed attempts of one caller at random credentials, for all principals together, until it is throttled.
const FAILURES_OF_A_CALLER: u32 = 1000;

/// The settings that all throttles share.
pub(crate) struct Throttles {
    store: SharedStore,
    failures: u32,
    key: [u8; 32],
    pseudonyms: Pseudonyms,
}

impl Throttles {
    pub(crate) async fn new(settings: &Settings, store: SharedStore) -> Result<Self, BoxError> {
        let key = key(settings.throttle_key.as_deref(), &store).await?;
        Ok(Self { store, failures: settings.throttle_failures, key, pseudonyms: Pseudonyms::new(key) })
    }

    /// For a credential that can be guessed, such as a password: counts failures by principal, from all callers together.
    pub(crate) fn guessable<C: Credential>(
        &self,
        verifier: impl Verifier<C>,
        principal: impl Fn(&C) -> Option<String> + Send + Sync + 'static,
    ) -> Result<SharedVerifier<C>, ConfigError> {
        if self.failures == 0 {
            return Ok(SharedVerifier::new(verifier));
        }
        let throttle = Throttle::new(verifier, self.store.clone(), self.key, move |request: &Request<C>| {
            principal(request.body())
        });
        Ok(SharedVerifier::new(throttle.limit(self.failures, WINDOW)?))
    }

    /// For a random key or token: counts failures by caller, for each principal and in total. A stranger who fails in the
    /// partner's name does not lock the partner out.
    pub(crate) fn random<C: Credential>(
        &self,
        verifier: impl Verifier<C>,
        principal: impl Fn(&C) -> Option<String> + Send + Sync + 'static,
    ) -> Result<SharedVerifier<C>, ConfigError> {
        if self.failures == 0 {
            return Ok(SharedVerifier::new(verifier));
        }
        let throttle = Throttle::new(verifier, self.store.clone(), self.key, move |request: &Request<C>| {
            principal(request.body())
        });
        let throttle = throttle.limit(self.failures, WINDOW)?.per_caller(ClientAddr::peer());
        Ok(SharedVerifier::new(throttle.by_caller(FAILURES_OF_A_CALLER, ClientAddr::peer())?))
    }
}

impl Throttles {
    /// The pseudonym of a principal, which logs show in its place.
    pub(crate) fn pseudonym<C: Credential>(
        &self,
        principal: impl Fn(&C) -> Option<String> + Send + Sync + 'static,
    ) -> impl Fn(&C) -> Option<Pseudonym> + Send + Sync + 'static {
        let pseudonyms = self.pseudonyms.clone();
        move |credential| Some(pseudonyms.of(principal(credential)?))
    }
}

/// The key of `THROTTLE_KEY`, or one that all nodes find in the store that they share.
async fn key(setting: Option<&str>, store: &SharedStore) -> Result<[u8; 32], BoxError> {
    let key = match setting {
        Some(text) => BASE64_STANDARD.decode(text.trim()).map_err(|error| format!("THROTTLE_KEY: {error}"))?,
        None => {
            let mut random = [0; 32];
            getrandom::fill(&mut random)?;
            let (random, years) = (Bytes::copy_from_slice(&random), Duration::from_secs(100 * 365 * 24 * 60 * 60));
            store.claim("throttle-key", random.clone(), years).await?.unwrap_or(random).into()
        }
    };
    key.try_into()
        .map_err(|_| "THROTTLE_KEY must be 32 bytes in base64: make one with `openssl rand -base64 32`".into())
}
