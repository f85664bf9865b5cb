use bytes::Bytes;
use serde::Serialize;

use crate::Secret;
use crate::taptalk::{Profile, UserPlatform};

/// The parameters of a ticket request: the device, and the user that the ticket is for.
///
/// ```
/// use tower_verify::taptalk::{Profile, TicketParameters, UserPlatform};
///
/// let ann = Profile::new("287", "Ann Example");
/// let parameters = TicketParameters::new(ann, UserPlatform::Android, "7a6c", "203.0.113.7", "okhttp/4.9.1");
/// assert_eq!(parameters.user_platform.as_str(), "android");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TicketParameters {
    /// `userIPAddress` (101), as the backend sent it. It is unchecked text.
    pub user_ip_address: Secret,
    /// `userAgent` (102).
    pub user_agent: Secret,
    /// `userPlatform` (103).
    pub user_platform: UserPlatform,
    /// `userDeviceID` (104).
    pub user_device_id: Secret,
    /// The user (105 to 112).
    pub profile: Profile,
}

impl TicketParameters {
    /// The parameters for a user and the device that the user's app runs on.
    pub fn new(
        profile: Profile,
        user_platform: UserPlatform,
        user_device_id: impl Into<Secret>,
        user_ip_address: impl Into<Secret>,
        user_agent: impl Into<Secret>,
    ) -> Self {
        Self {
            user_ip_address: user_ip_address.into(),
            user_agent: user_agent.into(),
            user_platform,
            user_device_id: user_device_id.into(),
            profile,
        }
    }

    /// The body of a request with these parameters.
    pub(in crate::taptalk) fn to_json(&self) -> Bytes {
        let profile = &self.profile;
        let body = Body {
            user_ip_address: self.user_ip_address.expose_secret(),
            user_agent: self.user_agent.expose_secret(),
            user_platform: self.user_platform.as_str(),
            user_device_id: self.user_device_id.expose_secret(),
            xc_user_id: profile.xc_user_id.expose_secret(),
            full_name: profile.full_name.expose_secret(),
            email: given(&profile.email),
            phone: given(&profile.phone),
            username: given(&profile.username),
            photo_thumbnail_url: given(&profile.photo_thumbnail_url),
            photo_fullsize_url: given(&profile.photo_fullsize_url),
            user_role_code: given(&profile.user_role_code),
        };
        serde_json::to_vec(&body).expect("strings are JSON").into()
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    #[serde(rename = "userIPAddress")]
    user_ip_address: &'a str,
    user_agent: &'a str,
    user_platform: &'a str,
    #[serde(rename = "userDeviceID")]
    user_device_id: &'a str,
    #[serde(rename = "xcUserID")]
    xc_user_id: &'a str,
    full_name: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    email: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    phone: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    username: &'a str,
    #[serde(rename = "photoThumbnailURL", skip_serializing_if = "str::is_empty")]
    photo_thumbnail_url: &'a str,
    #[serde(rename = "photoFullsizeURL", skip_serializing_if = "str::is_empty")]
    photo_fullsize_url: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    user_role_code: &'a str,
}

/// An absent parameter is the same as an empty one.
fn given(member: &Option<Secret>) -> &str {
    member.as_ref().map_or("", Secret::expose_secret)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(profile: Profile) -> String {
        let parameters =
            TicketParameters::new(profile, UserPlatform::Ios, "device-7", "203.0.113.9", "Acme/1.0 (\"7\")");
        String::from_utf8(parameters.to_json().into()).unwrap()
    }

    #[test]
    fn every_parameter_has_its_documented_name() {
        let mut profile = Profile::new("customer-7", "Ada \u{1f9ee} Lovelace");
        profile.email = Some("ada@example.com".into());
        profile.phone = Some("+442079460000".into());
        profile.username = Some("ada".into());
        profile.photo_thumbnail_url = Some("https://example.com/s.png".into());
        profile.photo_fullsize_url = Some("https://example.com/l.png".into());
        profile.user_role_code = Some("vip".into());
        assert_eq!(
            json(profile),
            concat!(
                r#"{"userIPAddress":"203.0.113.9","userAgent":"Acme/1.0 (\"7\")","userPlatform":"ios","#,
                r#""userDeviceID":"device-7","xcUserID":"customer-7","fullName":"Ada 🧮 Lovelace","#,
                r#""email":"ada@example.com","phone":"+442079460000","username":"ada","#,
                r#""photoThumbnailURL":"https://example.com/s.png","photoFullsizeURL":"https://example.com/l.png","#,
                r#""userRoleCode":"vip"}"#,
            )
        );
    }

    #[test]
    fn absent_and_empty_parameters_are_not_sent() {
        let mut profile = Profile::new("customer-7", "Ada");
        profile.email = Some("".into());
        assert!(json(profile).ends_with(r#""fullName":"Ada"}"#));
    }
}
