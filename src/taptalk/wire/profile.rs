use crate::Secret;

/// A user, as a customer's system describes it.
///
/// `Debug` shows none of the members, because they are personal data.
///
/// ```
/// use tower_verify::taptalk::Profile;
///
/// let mut profile = Profile::new("287", "Ann Example");
/// profile.email = Some("ann@example.com".into());
/// assert!(!format!("{profile:?}").contains("ann"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Profile {
    /// `xcUserID`: the user's id in the customer's system, at most 50 characters.
    pub xc_user_id: Secret,
    /// `fullName`.
    pub full_name: Secret,
    /// `email`.
    pub email: Option<Secret>,
    /// `phone`, which should start with the country code.
    pub phone: Option<Secret>,
    /// `username`.
    pub username: Option<Secret>,
    /// `photoThumbnailURL`: the URL of a small picture of the user.
    pub photo_thumbnail_url: Option<Secret>,
    /// `photoFullsizeURL`: the URL of the picture in full size.
    pub photo_fullsize_url: Option<Secret>,
    /// `userRoleCode`.
    pub user_role_code: Option<Secret>,
}

impl Profile {
    /// A profile with the two required members.
    pub fn new(xc_user_id: impl Into<Secret>, full_name: impl Into<Secret>) -> Self {
        Self {
            xc_user_id: xc_user_id.into(),
            full_name: full_name.into(),
            email: None,
            phone: None,
            username: None,
            photo_thumbnail_url: None,
            photo_fullsize_url: None,
            user_role_code: None,
        }
    }
}

/// `userPlatform`: the platform of the user's app, one of the [`TicketParameters`](crate::taptalk::TicketParameters).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum UserPlatform {
    /// `android`.
    Android,
    /// `ios`.
    Ios,
    /// `web`.
    Web,
}

impl UserPlatform {
    /// The name of the platform in requests.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Android => "android",
            Self::Ios => "ios",
            Self::Web => "web",
        }
    }

    /// The platform with the name `word`.
    pub(in crate::taptalk) fn from_word(word: &str) -> Option<Self> {
        [Self::Android, Self::Ios, Self::Web].into_iter().find(|platform| platform.as_str() == word)
    }
}
