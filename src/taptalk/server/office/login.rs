use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use bytes::Bytes;

use super::user::UserId;
use crate::token::TokenId;

const USER_LEN: usize = 4;
const TIME_LEN: usize = 6;
const NONCE_LEN: usize = TIME_LEN + 3;

/// The content of a token: its user, its login, and how often the login was renewed before.
///
/// It is the token's id, which the token's signature covers. So a guess, an expired token or a token of another office
/// never reaches the store, and the store needs to keep only a login's generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Login {
    pub(super) user: UserId,
    /// When the login began, in milliseconds since the Unix epoch, followed by random bytes.
    nonce: [u8; NONCE_LEN],
    /// 0 for a ticket, 1 for the tokens issued for it, and one more with each refresh.
    generation: u32,
}

impl Login {
    /// The last generation that fits into a token. After that, a new login is needed.
    const MAX_GENERATION: u32 = (1 << 24) - 1;

    pub(super) fn new(user: UserId, now_millis: u64) -> Result<Self, getrandom::Error> {
        let mut nonce = [0; NONCE_LEN];
        let (time, random) = nonce.split_at_mut(TIME_LEN);
        time.copy_from_slice(&now_millis.to_be_bytes()[8 - TIME_LEN..]);
        getrandom::fill(random)?;
        Ok(Self { user, nonce, generation: 0 })
    }

    /// When the login began, in milliseconds since the Unix epoch.
    pub(super) fn began_at(self) -> u64 {
        let [a, b, c, d, e, f, ..] = self.nonce;
        u64::from_be_bytes([0, 0, a, b, c, d, e, f])
    }

    /// The same login in the next generation: after an exchange of its ticket or refresh token.
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

    /// The login that is encoded in the id of one of our tokens.
    pub(super) fn from_id(id: TokenId) -> Self {
        let [a, b, c, d, nonce @ .., x, y, z] = id.to_bytes();
        Self { user: UserId::from_bytes([a, b, c, d]), nonce, generation: u32::from_be_bytes([0, x, y, z]) }
    }

    /// The store key of the login, the same in every generation.
    pub(super) fn key(self, tenant: &str) -> String {
        let id = self.token_id().to_bytes();
        format!("tt:{tenant}:l:{}", BASE64_URL_SAFE_NO_PAD.encode(&id[..USER_LEN + NONCE_LEN]))
    }

    /// The stored value of a ticket before it is exchanged.
    pub(super) fn ticket_record(self) -> Bytes {
        Bytes::copy_from_slice(&self.generation.to_be_bytes()[1..])
    }

    /// The same login in another generation.
    pub(super) fn in_generation(self, generation: u32) -> Self {
        Self { generation, ..self }
    }

    pub(super) fn generation(self) -> u32 {
        self.generation
    }
}

/// The stored value of a login: how often it was renewed, and when last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) generation: u32,
    /// Milliseconds since the Unix epoch; 0 for a ticket.
    pub(super) renewed_at: u64,
    /// The tag of the holder that exchanged the ticket, if the exchange may be repeated.
    pub(super) holder: Option<[u8; 8]>,
}

impl Record {
    pub(super) fn encode(self) -> Bytes {
        let (generation, renewed_at) = (self.generation.to_be_bytes(), self.renewed_at.to_be_bytes());
        let holder = self.holder.as_ref().map_or(&[][..], |holder| holder);
        [&generation[1..], &renewed_at[2..], holder].concat().into()
    }

    /// Returns `None` if `value` is not a record.
    pub(super) fn decode(value: &[u8]) -> Option<Self> {
        let (&[x, y, z], rest) = value.split_first_chunk()?;
        let generation = u32::from_be_bytes([0, x, y, z]);
        if rest.is_empty() {
            return Some(Self { generation, renewed_at: 0, holder: None });
        }
        let (&[a, b, c, d, e, f], holder) = rest.split_first_chunk()?;
        let renewed_at = u64::from_be_bytes([0, 0, a, b, c, d, e, f]);
        let holder = if holder.is_empty() { None } else { Some(holder.try_into().ok()?) };
        Some(Self { generation, renewed_at, holder })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn login(user: u32, generation: u32) -> Login {
        let mut login = Login::new(UserId::from_bytes(user.to_be_bytes()), 1_784_000_000_123).unwrap();
        login.generation = generation;
        login
    }

    #[test]
    fn a_token_id_encodes_the_login() {
        for login in [login(1, 0), login(0x7fff_ffff, Login::MAX_GENERATION), login(6, 0x01_02_03)] {
            assert_eq!(Login::from_id(login.token_id()), login);
            assert_eq!(login.began_at(), 1_784_000_000_123);
        }
    }

    #[test]
    fn a_login_has_one_key_in_every_generation() {
        let first = login(6, 0);
        let second = first.next().unwrap();
        assert_eq!(first.key("t"), second.key("t"));
        assert_eq!(first.key("t").len(), "tt:t:l:".len() + 18);
        assert_ne!(first.key("t"), first.key("u"));
        assert_ne!(first.key("t"), login(6, 0).key("t"));
        assert_eq!((first.generation(), second.generation()), (0, 1));
        assert_eq!(login(6, Login::MAX_GENERATION).next(), None);
    }

    #[test]
    fn a_record_is_read_as_it_was_written() {
        let ticket = login(6, 0).ticket_record();
        assert_eq!(Record::decode(&ticket), Some(Record { generation: 0, renewed_at: 0, holder: None }));
        for holder in [None, Some([7; 8])] {
            let record = Record { generation: Login::MAX_GENERATION, renewed_at: (1 << 48) - 1, holder };
            assert_eq!(Record::decode(&record.encode()), Some(record));
        }
        for unreadable in [&b""[..], b"12", b"1234", b"12345678", b"1234567890", b"123456789012345678"] {
            assert_eq!(Record::decode(unreadable), None);
        }
    }
}
