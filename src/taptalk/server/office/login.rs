use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use bytes::Bytes;

use super::user::UserId;
use crate::token::TokenId;

const USER_LEN: usize = 4;
const NONCE_LEN: usize = 9;

/// The content of a token: whose it is, which login it belongs to, and how often that login was renewed before.
///
/// It is the token's id, which is under the token's signature. So a token of another office, a guess, or an expired one
/// never gets as far as the store, and what the store has to keep of a login is its generation alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Login {
    pub(super) user: UserId,
    nonce: [u8; NONCE_LEN],
    /// 0 for a ticket; 1 for the tokens that are given for it, and one more for each pair after that.
    generation: u32,
}

impl Login {
    /// The last generation that has room in a token. After that, a new login is needed.
    const MAX_GENERATION: u32 = (1 << 24) - 1;

    pub(super) fn new(user: UserId) -> Result<Self, getrandom::Error> {
        let mut nonce = [0; NONCE_LEN];
        getrandom::fill(&mut nonce)?;
        Ok(Self { user, nonce, generation: 0 })
    }

    /// The login after its ticket, or its refresh token, was exchanged.
    pub(super) fn next(mut self) -> Option<Self> {
        if self.generation == Self::MAX_GENERATION {
            return None;
        }
        self.generation += 1;
        Some(self)
    }

    pub(super) fn token_id(self) -> TokenId {
        let mut id = [0; TokenId::LEN];
        let (user, rest) = id.split_at_mut(USER_LEN);
        let (nonce, generation) = rest.split_at_mut(NONCE_LEN);
        user.copy_from_slice(&self.user.to_bytes());
        nonce.copy_from_slice(&self.nonce);
        generation.copy_from_slice(&self.generation.to_be_bytes()[1..]);
        TokenId::from_bytes(id)
    }

    /// The login that an id of ours names.
    pub(super) fn from_id(id: TokenId) -> Self {
        let [a, b, c, d, nonce @ .., x, y, z] = id.to_bytes();
        Self { user: UserId::from_bytes([a, b, c, d]), nonce, generation: u32::from_be_bytes([0, x, y, z]) }
    }

    /// Its key in the store, whatever its generation.
    pub(super) fn key(self, tenant: &str) -> String {
        let id = self.token_id().to_bytes();
        format!("tt:{tenant}:l:{}", BASE64_URL_SAFE_NO_PAD.encode(&id[..USER_LEN + NONCE_LEN]))
    }

    /// Its value in the store in this generation.
    pub(super) fn record(self) -> Bytes {
        Bytes::copy_from_slice(&self.generation.to_be_bytes()[1..])
    }

    /// Whether `record` is of this generation or of a later one. A store that went back to an older state than this
    /// token's does not know it.
    pub(super) fn is_known_to(self, record: &[u8]) -> bool {
        matches!(*record, [x, y, z] if self.generation <= u32::from_be_bytes([0, x, y, z]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn login(user: u32, generation: u32) -> Login {
        let mut login = Login::new(UserId::from_bytes(user.to_be_bytes())).unwrap();
        login.generation = generation;
        login
    }

    #[test]
    fn an_id_says_what_the_login_is() {
        for login in [login(1, 0), login(0x7fff_ffff, Login::MAX_GENERATION), login(6, 0x01_02_03)] {
            assert_eq!(Login::from_id(login.token_id()), login);
        }
    }

    #[test]
    fn a_login_has_one_key_and_a_record_for_each_generation() {
        let first = login(6, 0);
        let second = first.next().unwrap();
        assert_eq!(first.key("t"), second.key("t"));
        assert_eq!(first.key("t").len(), "tt:t:l:".len() + 18);
        assert_ne!(first.key("t"), first.key("u"));
        assert_ne!(first.key("t"), login(6, 0).key("t"));
        assert_ne!(first.record(), second.record());
        assert_eq!(login(6, Login::MAX_GENERATION).next(), None);
    }

    #[test]
    fn a_record_knows_its_generation_and_those_before() {
        let [first, second] = [login(6, 300), login(6, 301)];
        assert!(first.is_known_to(&first.record()));
        assert!(first.is_known_to(&second.record()));
        assert!(!second.is_known_to(&first.record()));
        assert!(!first.is_known_to(b""));
        assert!(!first.is_known_to(b"\xff\xff\xff\xff"));
    }
}
