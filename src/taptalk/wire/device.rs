use http::{HeaderMap, HeaderName, header::Entry};

use crate::Secret;

pub(in crate::taptalk) const DEVICE_IDENTIFIER: HeaderName = HeaderName::from_static("device-identifier");
pub(in crate::taptalk) const DEVICE_PLATFORM: HeaderName = HeaderName::from_static("device-platform");

/// The device that an app claims to run on. It proves nothing.
///
/// The published clients send it with each call, such as to an
/// [`AccessTokenEndpoint`](crate::taptalk::AccessTokenEndpoint).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Device {
    /// `Device-Identifier`, if there is one. Tokens that were issued to a device are good on that device only.
    pub identifier: Option<Secret>,
    /// `Device-Platform`, if there is one: `android`, `ios` or `web`.
    pub platform: Option<Secret>,
}

impl Device {
    /// A device with this identifier, such as for a test of a verifier.
    pub fn new(identifier: impl Into<Secret>) -> Self {
        Self { identifier: Some(identifier.into()), platform: None }
    }

    /// Sets the platform.
    pub fn on(self, platform: impl Into<Secret>) -> Self {
        Self { platform: Some(platform.into()), ..self }
    }

    /// Reads the device from the headers, which stay in place and are marked as sensitive.
    pub(in crate::taptalk) fn read(headers: &mut HeaderMap) -> Self {
        let mut text = |name: HeaderName| {
            let Entry::Occupied(mut values) = headers.entry(name) else { return None };
            values.iter_mut().for_each(|value| value.set_sensitive(true));
            let text = str::from_utf8(values.get().as_bytes()).ok()?;
            (!text.is_empty()).then(|| Secret::from(text))
        };
        Self { identifier: text(DEVICE_IDENTIFIER), platform: text(DEVICE_PLATFORM) }
    }
}
