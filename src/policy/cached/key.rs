use crate::digest::{DigestKey, Digester, KeyedDigest};

use super::verdicts::VerdictKey;

/// The parts of a request that a verdict depends on, filled in by the closure of [`Cached::new`](super::Cached::new).
///
/// The boundaries between parts count: `ab` and `c` are not `a` and `bc`. The cache keeps no parts, only a MAC of them
/// under a random key of this process.
///
/// ```
/// use http::Request;
/// use tower_verify::{diyalog::CustomerToken, policy::CacheKey};
///
/// /// The key of a customer's verdict: `Cached::new(verifier, key)`.
/// fn key(request: &Request<CustomerToken>, key: &mut CacheKey) {
///     let token = request.body();
///     key.principal(token.customer_no.expose_secret());
///     key.part(token.device_id.expose_secret()).part(token.dlg_token.expose_secret());
/// }
/// ```
pub struct CacheKey {
    principal: Digester,
    parts: Digester,
}

impl CacheKey {
    pub(super) fn new(tags: &DigestKey) -> Self {
        Self { principal: tags.begin(), parts: tags.begin() }
    }

    /// Adds the principal of the verdict. It is a part of the key too.
    ///
    /// [`Cached::invalidate`](super::Cached::invalidate) finds verdicts by it.
    pub fn principal(&mut self, principal: impl AsRef<[u8]>) -> &mut Self {
        self.principal.part(principal.as_ref());
        self
    }

    /// Adds a value that the verdict depends on: the route, the tenant, the credential.
    pub fn part(&mut self, part: impl AsRef<[u8]>) -> &mut Self {
        self.parts.part(part.as_ref());
        self
    }

    pub(super) fn finish(self) -> VerdictKey {
        VerdictKey { principal: self.principal.end(), key: self.parts.end() }
    }

    pub(super) fn principal_tag(tags: &DigestKey, principal: &[u8]) -> KeyedDigest {
        let mut key = Self::new(tags);
        key.principal(principal);
        key.finish().principal
    }
}

impl std::fmt::Debug for CacheKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CacheKey").finish_non_exhaustive()
    }
}
