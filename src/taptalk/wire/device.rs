use http::{HeaderMap, HeaderName, HeaderValue};

use crate::Secret;

pub(in crate::taptalk) static DEVICE_IDENTIFIER: HeaderName = HeaderName::from_static("device-identifier");
pub(in crate::taptalk) static DEVICE_PLATFORM: HeaderName = HeaderName::from_static("device-platform");

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

    /// Reads the device from the headers, which stay in place and are marked as sensitive. The first value counts.
    pub(in crate::taptalk) fn read(headers: &mut HeaderMap) -> Self {
        let (mut identifier, mut platform) = (None, None);
        // One pass costs less than a search for each, up to some twenty headers.
        for (name, value) in headers.iter_mut() {
            let found = match name {
                name if *name == DEVICE_IDENTIFIER => &mut identifier,
                name if *name == DEVICE_PLATFORM => &mut platform,
                _ => continue,
            };
            value.set_sensitive(true);
            found.get_or_insert_with(|| text(value));
        }
        Self { identifier: identifier.flatten(), platform: platform.flatten() }
    }
}

fn text(value: &HeaderValue) -> Option<Secret> {
    // `to_str` takes visible ASCII only, and is the quicker one.
    let text = value.to_str().or_else(|_| str::from_utf8(value.as_bytes())).ok()?;
    (!text.is_empty()).then(|| text.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_is_marked_and_the_first_is_read() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            (&DEVICE_IDENTIFIER, &b"605b32dd"[..]),
            (&DEVICE_IDENTIFIER, b"7a6c"),
            (&DEVICE_PLATFORM, "caf\u{e9}".as_bytes()),
        ] {
            headers.append(name, HeaderValue::from_bytes(value).unwrap());
        }
        assert_eq!(Device::read(&mut headers), Device::new("605b32dd").on("caf\u{e9}"));
        assert!(headers.len() == 3 && headers.values().all(HeaderValue::is_sensitive));
    }

    #[test]
    fn other_headers_say_nothing_about_the_device() {
        let mut headers = HeaderMap::new();
        headers.insert("accept", HeaderValue::from_static("android"));
        assert_eq!(Device::read(&mut headers), Device::default());
        assert!(!headers["accept"].is_sensitive());
    }

    #[test]
    fn no_text_is_no_value() {
        for value in [&b""[..], b"\xff"] {
            let mut headers = HeaderMap::new();
            headers.insert(&DEVICE_IDENTIFIER, HeaderValue::from_bytes(value).unwrap());
            headers.append(&DEVICE_IDENTIFIER, HeaderValue::from_static("605b32dd"));
            assert_eq!(Device::read(&mut headers), Device::default());
        }
    }
}
