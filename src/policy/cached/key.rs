use crate::token::{KeyedDigest, TagKey, Tagger};

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
    principal: Tagger,
    /// All parts, the principal too, each after its kind.
    all: Tagger,
}

impl CacheKey {
    pub(super) fn new(tags: &TagKey) -> Self {
        Self { principal: tags.begin(), all: tags.begin() }
    }

    /// Adds the principal of the verdict. It is a part of the key too.
    ///
    /// [`Cached::invalidate`](super::Cached::invalidate) finds verdicts by it.
    pub fn principal(&mut self, principal: impl AsRef<[u8]>) -> &mut Self {
        let principal = principal.as_ref();
        self.principal.part(principal);
        self.all.part(b"p");
        self.all.part(principal);
        self
    }

    /// Adds a value that the verdict depends on: the route, the tenant, the credential.
    pub fn part(&mut self, part: impl AsRef<[u8]>) -> &mut Self {
        self.all.part(b"");
        self.all.part(part.as_ref());
        self
    }

    /// The key, and the tag of the principal, which is computed only if it is needed: a cached verdict is found without
    /// it.
    pub(super) fn finish(mut self) -> (KeyedDigest, Tagger) {
        (self.all.end(), self.principal)
    }

    pub(super) fn principal_tag(tags: &TagKey, principal: &[u8]) -> KeyedDigest {
        let mut key = Self::new(tags);
        key.principal(principal);
        key.principal.end()
    }
}

impl std::fmt::Debug for CacheKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CacheKey").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Copy, Debug)]
    enum Part {
        Principal(&'static str),
        Other(&'static str),
    }

    #[test]
    fn the_key_depends_on_every_part_and_on_its_kind() {
        use Part::{Other, Principal};

        let tags = TagKey::new(&[7; 32]);
        let key = |parts: &[Part]| {
            let mut key = CacheKey::new(&tags);
            for part in parts {
                match part {
                    Principal(text) => key.principal(text),
                    Other(text) => key.part(text),
                };
            }
            key.finish().0
        };
        let lists: [&[Part]; 11] = [
            &[],
            &[Principal("a")],
            &[Other("a")],
            &[Principal("")],
            &[Other("")],
            &[Principal("a"), Other("b")],
            &[Principal("b"), Other("a")],
            &[Other("a"), Other("b")],
            &[Principal("a"), Principal("b")],
            &[Other("ab")],
            &[Other("p"), Other("a")],
        ];
        for (number, list) in lists.iter().enumerate() {
            assert_eq!(key(list), key(list));
            lists[..number].iter().for_each(|other| assert_ne!(key(list), key(other), "{list:?} {other:?}"));
        }
    }

    #[test]
    fn the_tag_of_the_principal_does_not_depend_on_the_other_parts() {
        let tags = TagKey::new(&[7; 32]);
        let mut key = CacheKey::new(&tags);
        key.part("before").principal("ann").part("after");
        assert_eq!(key.finish().1.end(), CacheKey::principal_tag(&tags, b"ann"));
    }
}
