use std::{fmt, time::Duration};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use bytes::Bytes;
use sha2::{Digest, Sha256};

use crate::{
    BoxError, Secret,
    store::{Store, StoreError},
    taptalk::Profile,
};

/// 365 days.
pub(super) const YEAR: Duration = Duration::from_secs(31_536_000);

/// How long a user is kept after the last ticket: 100 years.
pub(super) const KEPT: Duration = YEAR.saturating_mul(100);

/// How long an id is reserved for a new user. If the user is not saved, because the caller hung up or the store failed,
/// the id is free again after this time.
const RESERVED: Duration = Duration::from_secs(3600);

/// The number of random ids tried for a new user. With half of all ids taken, one in 65,536 new users would be refused.
const ATTEMPTS: usize = 16;

/// TapTalk's id of a user: a number from 1 to 2³¹ − 1, because the Android SDK parses it as an `int`.
///
/// It is random, not counted, so that an office that lost its store does not give new users the ids of old ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct UserId(u32);

impl UserId {
    fn random() -> Result<Self, getrandom::Error> {
        let id = getrandom::u32()? & i32::MAX as u32;
        Ok(Self(id.max(1)))
    }

    pub(super) fn to_bytes(self) -> [u8; 4] {
        self.0.to_be_bytes()
    }

    pub(super) fn from_bytes(bytes: [u8; 4]) -> Self {
        Self(u32::from_be_bytes(bytes))
    }

    /// The store key of the time at which the user's logins were revoked.
    pub(super) fn revocation_key(self, tenant: &str) -> String {
        format!("tt:{tenant}:r:{self}")
    }

    /// Parses an id in its canonical decimal form.
    pub(super) fn from_text(text: &str) -> Option<Self> {
        let id: u32 = text.parse().ok()?;
        (i32::try_from(id).is_ok_and(|id| id > 0) && id.to_string() == text).then_some(Self(id))
    }

    /// The store key of the user's profile.
    pub(super) fn key(self, tenant: &str) -> String {
        format!("tt:{tenant}:u:{self}")
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The id of the user with this profile's `xc_user_id`.
///
/// A new user gets a new id, which is reserved for an hour. The caller must then save the profile for good.
pub(super) async fn find_or_reserve(store: &impl Store, tenant: &str, profile: &Profile) -> Result<UserId, BoxError> {
    let by_name = key_by_name(tenant, &profile.xc_user_id);
    if let Some(id) = store.get(&by_name).await? {
        return Ok(read_id(&id)?);
    }
    for _ in 0..ATTEMPTS {
        let id = UserId::random()?;
        // First claim the id, so that no two users have the same one; then the name, so that no user has two ids.
        if store.claim(&id.key(tenant), write_profile(profile), RESERVED).await?.is_some() {
            continue;
        }
        let Some(other) = store.claim(&by_name, Bytes::copy_from_slice(&id.to_bytes()), KEPT).await? else {
            return Ok(id);
        };
        store.take(&id.key(tenant)).await?;
        return Ok(read_id(&other)?);
    }
    Err("no free id was found for a new user: too many of the 2³¹ ids are taken".into())
}

/// The store key of the id of the user with this `xc_user_id`. It has a digest, because `xc_user_id` is arbitrary text
/// of up to 200 bytes.
fn key_by_name(tenant: &str, xc_user_id: &Secret) -> String {
    let digest = Sha256::digest(xc_user_id.expose_secret());
    format!("tt:{tenant}:x:{}", BASE64_URL_SAFE_NO_PAD.encode(&digest[..24]))
}

/// Reads a stored time, in milliseconds since the Unix epoch.
pub(super) fn read_time(bytes: &[u8]) -> Result<u64, StoreError> {
    bytes.try_into().map(u64::from_be_bytes).map_err(|_| unreadable())
}

fn read_id(bytes: &[u8]) -> Result<UserId, StoreError> {
    bytes.try_into().map(UserId::from_bytes).map_err(|_| unreadable())
}

/// Writes a profile as the store has it: a JSON array, in which an absent member is an empty string.
pub(super) fn write_profile(profile: &Profile) -> Bytes {
    let optional = |member: &Option<Secret>| member.clone().unwrap_or_default();
    let members = [
        profile.xc_user_id.clone(),
        profile.full_name.clone(),
        optional(&profile.email),
        optional(&profile.phone),
        optional(&profile.username),
        optional(&profile.photo_thumbnail_url),
        optional(&profile.photo_fullsize_url),
        optional(&profile.user_role_code),
    ];
    serde_json::to_vec(&members.each_ref().map(Secret::expose_secret)).expect("strings are JSON").into()
}

pub(super) fn read_profile(bytes: &[u8]) -> Result<Profile, StoreError> {
    let members: [Secret; 8] = serde_json::from_slice(bytes).map_err(|_| unreadable())?;
    let [xc_user_id, full_name, email, phone, username, thumbnail, fullsize, role_code] = members;
    let optional = |member: Secret| Some(member).filter(|member| !member.is_empty());
    let mut profile = Profile::new(xc_user_id, full_name);
    profile.email = optional(email);
    profile.phone = optional(phone);
    profile.username = optional(username);
    profile.photo_thumbnail_url = optional(thumbnail);
    profile.photo_fullsize_url = optional(fullsize);
    profile.user_role_code = optional(role_code);
    Ok(profile)
}

/// The parser's error is dropped, because it could quote the profile.
fn unreadable() -> StoreError {
    StoreError::Unavailable("the store has a record of a user that cannot be decoded".into())
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use futures_util::FutureExt;

    use super::*;
    use crate::{ManualClock, store::MemoryStore};

    #[test]
    fn an_id_is_reserved_for_an_hour_and_a_name_is_kept_for_100_years() {
        let clock = ManualClock::new(SystemTime::UNIX_EPOCH);
        let store = MemoryStore::new().clock(clock.clone());
        let ann = Profile::new("287", "Ann");
        let has = |key: &str| store.get(key).now_or_never().unwrap().unwrap().is_some();
        let id = find_or_reserve(&store, "t", &ann).now_or_never().unwrap().unwrap();
        let (by_id, by_name) = (id.key("t"), key_by_name("t", &ann.xc_user_id));
        assert!(has(&by_id) && has(&by_name));

        clock.advance(Duration::from_secs(3599));
        assert!(has(&by_id));
        clock.advance(Duration::from_secs(1));
        assert!(!has(&by_id) && has(&by_name));

        clock.advance(Duration::from_secs(3_153_600_000 - 3601));
        assert!(has(&by_name));
        clock.advance(Duration::from_secs(1));
        assert!(!has(&by_name));
    }

    #[test]
    fn an_id_has_one_form() {
        for id in ["1", "2147483647"] {
            assert_eq!(UserId::from_text(id).unwrap().to_string(), id);
        }
        for text in ["", "0", "-1", "+1", "01", " 1", "2147483648", "4294967296"] {
            assert!(UserId::from_text(text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_profile_is_read_as_it_was_written() {
        let mut profile = Profile::new("287", "Ann \"A\" \u{1f600}\n");
        assert_eq!(read_profile(&write_profile(&profile)).unwrap(), profile);
        profile.email = Some("ann@example.com".into());
        profile.phone = Some("+6281234567".into());
        profile.username = Some("ann".into());
        profile.photo_thumbnail_url = Some("https://example.com/ann-s.jpg".into());
        profile.photo_fullsize_url = Some("https://example.com/ann.jpg".into());
        profile.user_role_code = Some("vip".into());
        assert_eq!(read_profile(&write_profile(&profile)).unwrap(), profile);
    }

    #[test]
    fn a_malformed_record_is_refused_and_not_quoted() {
        for bytes in [&b""[..], b"[\"605b32dd\"]", b"{}", b"[1,2,3,4,5,6,7,8]"] {
            let error = read_profile(bytes).unwrap_err();
            assert!(!format!("{error:?}").contains("605b"));
        }
        assert!(read_id(b"\0\0\0").is_err());
    }

    #[test]
    fn an_id_is_a_positive_number_of_31_bits() {
        for _ in 0..1000 {
            let id: i32 = UserId::random().unwrap().to_string().parse().unwrap();
            assert!(id > 0);
        }
    }
}
