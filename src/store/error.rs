use std::{error::Error, fmt};

use crate::BoxError;

/// Why a store could not do what it was asked. Nothing is known about the key then: whoever asked has no verdict.
///
/// ```
/// use std::error::Error;
/// use tower_verify::store::StoreError;
///
/// // A store of your own wraps the error of its client.
/// let error = StoreError::unavailable("connection refused");
/// assert_eq!(error.to_string(), "the store is unavailable");
/// assert_eq!(error.source().unwrap().to_string(), "connection refused");
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum StoreError {
    /// There is no room for another value, and no live one is dropped to make some.
    Full,
    /// The store is away, or answered something unreadable.
    Unavailable(BoxError),
}

impl StoreError {
    /// The store is away, for this reason.
    pub fn unavailable(reason: impl Into<BoxError>) -> Self {
        Self::Unavailable(reason.into())
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => "the store is full",
            Self::Unavailable(_) => "the store is unavailable",
        })
    }
}

impl Error for StoreError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Full => None,
            Self::Unavailable(source) => Some(&**source),
        }
    }
}
