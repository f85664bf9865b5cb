//! The throttle of failed attempts, around every verifier that somebody could guess at.

use sha2::{Digest, Sha256};
use tower_verify::{BoxError, Credential, SharedVerifier, Verifier, policy::Throttle, store::SharedStore};

use crate::settings::Settings;

/// What the app's throttles have in common.
pub(crate) struct Throttles {
    store: SharedStore,
    failures: u32,
    key: [u8; 32],
}

impl Throttles {
    pub(crate) fn new(settings: &Settings, store: SharedStore) -> Result<Self, BoxError> {
        Ok(Self { store, failures: settings.throttle_failures, key: key(settings.token_keys.as_deref())? })
    }

    /// `verifier`, throttled for each principal of the `platform`; as it is, if nothing is to be throttled.
    pub(crate) fn around<C: Credential>(
        &self,
        verifier: impl Verifier<C>,
        platform: &'static str,
        principal: impl Fn(&C) -> Option<String> + Send + Sync + 'static,
    ) -> Result<SharedVerifier<C>, BoxError> {
        if self.failures == 0 {
            return Ok(SharedVerifier::new(verifier));
        }
        let principal = move |request: &http::Request<C>| {
            principal(request.body()).map(|principal| format!("{platform}:{principal}"))
        };
        let throttle = Throttle::new(verifier, self.store.clone(), self.key, principal);
        Ok(SharedVerifier::new(throttle.limit(self.failures, std::time::Duration::from_secs(15 * 60))?))
    }
}

/// The same key on every node that has the same token keys, in whatever order; a random one on a node that is alone.
fn key(token_keys: Option<&str>) -> Result<[u8; 32], BoxError> {
    let mut key = [0; 32];
    match token_keys {
        None => getrandom::fill(&mut key)?,
        Some(token_keys) => {
            let mut token_keys: Vec<&str> = token_keys.split(',').collect();
            token_keys.sort_unstable();
            let digest = Sha256::new_with_prefix("throttle").chain_update(token_keys.join(",")).finalize();
            key.copy_from_slice(&digest);
        }
    }
    Ok(key)
}
