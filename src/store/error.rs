use std::{error::Error, fmt};

use crate::BoxError;

/// Error of a [`Store`](super::Store) operation.
///
/// It says nothing about the key, so the caller has no verdict.
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
    /// The store is full. It never drops a live value to make room.
    Full,
    /// The store cannot be reached, or its answer cannot be read.
    Unavailable(BoxError),
}

impl StoreError {
    /// Wraps `reason` as [`Unavailable`](Self::Unavailable).
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
