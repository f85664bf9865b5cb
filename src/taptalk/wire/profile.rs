use crate::Secret;

/// A user, as a customer's system describes it.
///
/// It is personal data, and so `Debug` shows none of it.
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
    /// `xcUserID`: the user's id in the customer's system, of at most 50 characters.
    pub xc_user_id: Secret,
    /// `fullName`.
    pub full_name: Secret,
    /// `email`.
    pub email: Option<Secret>,
    /// `phone`, which should start with the country's code.
    pub phone: Option<Secret>,
    /// `username`.
    pub username: Option<Secret>,
    /// `photoThumbnailURL`: where a small picture of the user is.
    pub photo_thumbnail_url: Option<Secret>,
    /// `photoFullsizeURL`: where the picture is in full size.
    pub photo_fullsize_url: Option<Secret>,
    /// `userRoleCode`.
    pub user_role_code: Option<Secret>,
}

impl Profile {
    /// A profile of the two members that every user has.
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

/// `userPlatform`: what the user's app runs on. It is one of the [`TicketParameters`](crate::taptalk::TicketParameters).
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
    /// The word for it in requests.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Android => "android",
            Self::Ios => "ios",
            Self::Web => "web",
        }
    }

    /// The platform that `word` is the word for.
    pub(in crate::taptalk) fn from_word(word: &str) -> Option<Self> {
        [Self::Android, Self::Ios, Self::Web].into_iter().find(|platform| platform.as_str() == word)
    }
}
