//! The error for a configuration that cannot work.

use std::{borrow::Cow, error::Error, fmt};

/// The error for a configuration that cannot work.
///
/// It is returned when the configuration is made, not when the first request arrives. It never contains a configured
/// secret.
///
/// ```
/// use tower_verify::{ConfigError, Route};
///
/// let error: ConfigError = Route::exact("auth").unwrap_err();
/// assert!(error.to_string().contains("must look like \"/auth\""));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    reason: Cow<'static, str>,
}

impl ConfigError {
    /// An error with `reason`, which must not contain a secret.
    pub fn new(reason: impl Into<Cow<'static, str>>) -> Self {
        Self { reason: reason.into() }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl Error for ConfigError {}
