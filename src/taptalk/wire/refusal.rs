//! The refusals whose text never changes: verdicts and failures. Those of malformed requests are in `code.rs`.

use crate::taptalk::wire::api_key::KeyRefusal;

/// A response that refuses, put together when the program is compiled.
#[derive(Debug, Clone, Copy)]
pub(in crate::taptalk) struct Refusal {
    /// The body's status.
    pub(in crate::taptalk) status: u16,
    pub(in crate::taptalk) body: &'static str,
}

/// Makes a refusal of the code's first three digits, its last two, and the parts of the message.
macro_rules! refusal {
    ($status:literal $rest:literal, $($message:literal),+) => {
        Refusal {
            status: $status,
            body: concat!(
                r#"{"status":"#, $status, r#","error":{"code":""#, $status, $rest, r#"","message":""#, $($message,)+
                r#"","field":""},"data":{}}"#
            ),
        }
    };
}

// Contract: TT-49104, TT-49106, TT-49201.
/// The refusal of the key in this header.
macro_rules! of_key {
    ($refusal:expr, $header:literal) => {
        match $refusal {
            KeyRefusal::Unknown => refusal!(491 "03", $header, " is not known"),
            KeyRefusal::OtherPlatform => refusal!(491 "04", $header, " is not for this platform"),
            KeyRefusal::Expired => refusal!(491 "06", $header, " has expired"),
            KeyRefusal::NotEnabled => refusal!(492 "01", $header, " is not enabled"),
            KeyRefusal::Suspended => refusal!(492 "02", $header, " is suspended"),
            KeyRefusal::WithoutOwner => refusal!(492 "03", $header, " is of no app any more"),
        }
    };
}

impl Refusal {
    // Contract: TT-40002.
    pub(in crate::taptalk) const NO_TICKET: Self = refusal!(400 "02", "There is no ticket for this user");
    // Contract: TT-40103.
    /// A ticket or token is unknown, used or revoked.
    pub(in crate::taptalk) const TOKEN_INVALID: Self = refusal!(401 "03", "Token is invalid");
    /// A ticket or token has expired.
    pub(in crate::taptalk) const TOKEN_EXPIRED: Self = refusal!(401 "04", "Token has expired");
    // Contract: TT-40105.
    /// A token is good, but belongs to another app key or another device.
    pub(in crate::taptalk) const TOKEN_OF_OTHER_CLIENT: Self =
        refusal!(401 "05", "Token belongs to another app key or device");
    // Contract: TT-40106.
    /// A token is good, but its user no longer exists.
    pub(in crate::taptalk) const NO_USER: Self = refusal!(401 "06", "There is no user for the token");
    // Contract: TT-42901.
    pub(in crate::taptalk) const THROTTLED: Self = refusal!(429 "01", "Too many failed attempts");
    // Contract: TT-50001.
    /// There is no verdict.
    pub(in crate::taptalk) const FAILED: Self = refusal!(500 "01", "Internal server error");

    /// The refusal of a backend's key.
    pub(in crate::taptalk) fn of_server_key(refusal: KeyRefusal) -> Self {
        of_key!(refusal, "Server-Key")
    }

    /// The refusal of an app's key.
    pub(in crate::taptalk) fn of_app_key(refusal: KeyRefusal) -> Self {
        of_key!(refusal, "App-Key")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::taptalk::wire::envelope::{EnvelopeError, read};

    #[test]
    fn each_body_is_an_envelope_of_its_status() {
        let of_key = |refusal| [Refusal::of_server_key(refusal), Refusal::of_app_key(refusal)];
        let of_keys = [KeyRefusal::Unknown, KeyRefusal::OtherPlatform, KeyRefusal::Expired].into_iter().chain([
            KeyRefusal::NotEnabled,
            KeyRefusal::Suspended,
            KeyRefusal::WithoutOwner,
        ]);
        let others = [
            Refusal::NO_TICKET,
            Refusal::TOKEN_INVALID,
            Refusal::TOKEN_EXPIRED,
            Refusal::TOKEN_OF_OTHER_CLIENT,
            Refusal::NO_USER,
            Refusal::THROTTLED,
            Refusal::FAILED,
        ];
        for refusal in of_keys.flat_map(of_key).chain(others) {
            let Err(EnvelopeError::Refused(error)) = read::<()>(refusal.body.as_bytes()) else { panic!("{refusal:?}") };
            assert_eq!((error.status, &error.code[..3]), (refusal.status, &*refusal.status.to_string()), "{refusal:?}");
            assert!(error.code.len() == 5 && !error.message.is_empty() && error.field.is_empty(), "{refusal:?}");
            assert!(refusal.body.ends_with(r#","data":{}}"#), "{refusal:?}");
        }
    }
}
