use std::{
    cell::RefCell,
    error::Error,
    fmt,
    ops::Range,
    time::{Duration, SystemTime},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::{ConfigError, Secret};

/// The id of a token, for logs and stores: 128 random bits.
///
/// An id is not a secret: nobody can make a token from it. It is displayed as 22 characters of base64url.
///
/// Each thread that issues tokens gets the bits from the operating system, for 32 ids at a time. A process that is
/// forked without `exec` inherits the unused ids of its parent, so that both may issue a token with the same id. Both
/// tokens are as good and as safe as any, and a [`Register`](super::Register) uses no id twice.
///
/// ```
/// use std::time::Duration;
/// use tower_verify::token::{KeyRing, Signer, TokenId};
///
/// let signer = Signer::new("dlgc", "activation", "example.com", KeyRing::generate()?)?;
/// let issued = signer.issue(&[], Duration::from_secs(300))?;
/// println!("issued the token {}", issued.id); // such as `q83vEjRWeJCrze8SNFZ4kA`
/// assert_eq!(TokenId::from_bytes(issued.id.to_bytes()), issued.id);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenId(pub(super) [u8; Self::LEN]);

impl TokenId {
    /// The length in bytes.
    pub const LEN: usize = 16;

    /// Creates an id of your own choice, for [`Signer::issue_with_id`](super::Signer::issue_with_id).
    pub fn from_bytes(bytes: [u8; Self::LEN]) -> Self {
        Self(bytes)
    }

    /// The bytes of the id.
    pub fn to_bytes(self) -> [u8; Self::LEN] {
        self.0
    }

    /// Takes the next id of this thread's block. A system call for each id would take as long as the rest of issuing a
    /// token.
    pub(crate) fn random() -> Result<Self, IssueError> {
        BLOCK.with_borrow_mut(|block| {
            let at = match block.unused.next() {
                Some(at) => at,
                None => {
                    getrandom::fill(block.ids.as_flattened_mut()).map_err(IssueError)?;
                    block.unused = 1..block.ids.len();
                    0
                }
            };
            Ok(Self(block.ids[at]))
        })
    }
}

/// Random ids from the operating system. No token has the unused ones yet.
struct Block {
    ids: [[u8; TokenId::LEN]; 32],
    unused: Range<usize>,
}

thread_local! {
    static BLOCK: RefCell<Block> = const { RefCell::new(Block { ids: [[0; TokenId::LEN]; 32], unused: 0..0 }) };
}

impl fmt::Display for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [0; 22];
        let written = URL_SAFE_NO_PAD.encode_slice(self.0, &mut text).map_err(|_| fmt::Error)?;
        f.pad(str::from_utf8(&text[..written]).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenId({self})")
    }
}

/// A token that was issued by a [`Signer`](super::Signer).
///
/// ```
/// use std::time::Duration;
/// use tower_verify::{Secret, token::{IssueError, Issued, KeyRing, Signer}};
///
/// fn activation(signer: &Signer) -> Result<Secret, IssueError> {
///     let Issued { token, id, expires_at, .. } = signer.issue(&[b"device-7"], Duration::from_secs(300))?;
///     println!("issued the token {id}, good until {expires_at:?}"); // the id is not a secret
///     Ok(token)
/// }
///
/// let signer = Signer::new("dlgc", "activation", "example.com", KeyRing::generate()?)?;
/// assert!(activation(&signer)?.expose_secret().starts_with("dlgc_1."));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Issued {
    /// The token, to give to its holder.
    pub token: Secret,
    /// The token's id.
    pub id: TokenId,
    /// When the token expires.
    pub expires_at: SystemTime,
}

/// Error of [`Signer::issue`](super::Signer::issue): the operating system has no randomness.
#[derive(Debug, Clone, Copy)]
pub struct IssueError(pub(super) getrandom::Error);

impl fmt::Display for IssueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the operating system has no randomness for a token")
    }
}

impl Error for IssueError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}

/// The next id of this thread's block, if one is left.
#[cfg(test)]
pub(super) fn peek() -> TokenId {
    BLOCK.with_borrow(|block| TokenId(block.ids[block.unused.start]))
}

/// Returns `ttl` if a token can have this time to live.
///
/// ```
/// use std::time::Duration;
/// use tower_verify::token::checked_ttl;
///
/// assert_eq!(checked_ttl(Duration::from_secs(300))?, Duration::from_secs(300));
/// assert!(checked_ttl(Duration::from_micros(300)).is_err());
/// # Ok::<(), tower_verify::ConfigError>(())
/// ```
///
/// # Errors
/// If `ttl` is less than 1 ms: a token's time is counted in milliseconds.
pub fn checked_ttl(ttl: Duration) -> Result<Duration, ConfigError> {
    if ttl < Duration::from_millis(1) {
        return Err(ConfigError::new("a token's time to live must be at least 1 ms"));
    }
    Ok(ttl)
}
