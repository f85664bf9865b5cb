//! The throttle of failed attempts. What it counts by depends on whether the credential can be guessed.

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

/// How many attempts of one caller may fail at credentials that cannot be guessed, whoever they are for.
const FAILURES_OF_A_CALLER: u32 = 1000;

/// What the app's throttles have in common.
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

    /// For a credential that can be guessed, such as a password: counts the failures at each principal, wherever they
    /// come from.
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

    /// For a random key or token: counts the failures of each caller, at each principal and at all of them. Nobody can
    /// lock out the partner by failing in its name.
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
    /// The pseudonym of a principal, by which the logs say who is throttled.
    pub(crate) fn pseudonym<C: Credential>(
        &self,
        principal: impl Fn(&C) -> Option<String> + Send + Sync + 'static,
    ) -> impl Fn(&C) -> Option<Pseudonym> + Send + Sync + 'static {
        let pseudonyms = self.pseudonyms.clone();
        move |credential| Some(pseudonyms.of(principal(credential)?))
    }
}

/// The key of `THROTTLE_KEY`, or else one that the nodes find in the store that they share.
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
    key.try_into().map_err(|_| "THROTTLE_KEY must be 32 bytes in base64, as of `openssl rand -base64 32`".into())
}
