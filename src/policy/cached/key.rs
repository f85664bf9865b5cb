use crate::digest::{DigestKey, Digester, KeyedDigest};

use super::verdicts::VerdictKey;

/// The parts of a request that a verdict depends on: filled by the closure of [`Cached::new`](super::Cached::new).
///
/// Parts are told apart by where one ends and the next begins. They are kept as a MAC under a key of this process, and
/// are not kept themselves.
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

    /// The principal of the verdict, to be [invalidated](super::Cached::invalidate) by. It is a part of the key too.
    pub fn principal(&mut self, principal: impl AsRef<[u8]>) -> &mut Self {
        self.principal.part(principal.as_ref());
        self
    }

    /// Something that the verdict depends on: the route, the tenant, the credential.
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
