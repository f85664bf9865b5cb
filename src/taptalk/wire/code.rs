use std::borrow::Cow;

use crate::{Rejection, RejectionKind};

/// One of TapTalk's codes for a malformed request: five digits, of which the first three are the body's status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::taptalk) struct Code(&'static str);

impl Code {
    // Contract: TT-40001.
    /// `Server-Key` is missing, or empty.
    pub(in crate::taptalk) const HEADER_MISSING: Self = Self("40001");
    // Contract: TT-40002.
    /// A parameter is missing or malformed, or the body is not a JSON object.
    pub(in crate::taptalk) const PARAMETER_INVALID: Self = Self("40002");
    // Contract: TT-40101.
    /// `Authorization` is missing, or empty.
    pub(in crate::taptalk) const AUTHORIZATION_MISSING: Self = Self("40101");
    /// `Authorization` is not `Bearer …`.
    pub(in crate::taptalk) const AUTHORIZATION_MALFORMED: Self = Self("40102");
    // Contract: TT-49101.
    /// `App-Key` is missing, or empty.
    pub(in crate::taptalk) const APP_KEY_MISSING: Self = Self("49101");
    // Contract: TT-49102.
    /// A key is malformed.
    pub(in crate::taptalk) const KEY_MALFORMED: Self = Self("49102");
    /// A key is unknown.
    pub(in crate::taptalk) const KEY_UNKNOWN: Self = Self("49103");

    /// The codes that this module's rejections have.
    const OF_REJECTIONS: [Self; 6] = [
        Self::HEADER_MISSING,
        Self::APP_KEY_MISSING,
        Self::PARAMETER_INVALID,
        Self::AUTHORIZATION_MISSING,
        Self::AUTHORIZATION_MALFORMED,
        Self::KEY_MALFORMED,
    ];

    pub(in crate::taptalk) fn as_str(self) -> &'static str {
        self.0
    }

    /// The body's status.
    pub(in crate::taptalk) fn status(self) -> u16 {
        self.0.bytes().take(3).fold(0, |status, digit| status * 10 + u16::from(digit - b'0'))
    }

    /// A rejection with this code.
    pub(in crate::taptalk) fn reject(self, message: impl Into<Cow<'static, str>>) -> Rejection {
        Rejection::malformed(message).with_code(self.0)
    }

    /// The code to send for a rejection. A code that is not TapTalk's is replaced by one that is.
    pub(in crate::taptalk) fn of_rejection(rejection: &Rejection) -> Self {
        let own = Self::OF_REJECTIONS.into_iter().find(|code| Some(code.0) == rejection.code());
        own.unwrap_or(match rejection.kind() {
            RejectionKind::Malformed | RejectionKind::TooLarge | RejectionKind::NoCredential => Self::PARAMETER_INVALID,
            RejectionKind::UnknownCaller => Self::KEY_UNKNOWN,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_is_the_first_three_digits() {
        assert_eq!(Code::PARAMETER_INVALID.status(), 400);
        assert_eq!(Code::KEY_MALFORMED.status(), 491);
        assert_eq!(Code::AUTHORIZATION_MISSING.status(), 401);
    }
}
