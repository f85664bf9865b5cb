use http::HeaderMap;

use crate::taptalk::wire::code::Code;
use crate::{Rejection, RejectionKind, Secret, wire::bearer};

/// Takes the bearer token out of `Authorization`, or rejects the request with TapTalk's code.
pub(in crate::taptalk) fn take(headers: &mut HeaderMap) -> Result<Secret, Rejection> {
    bearer::take(headers).map_err(|rejection| match rejection.kind() {
        RejectionKind::NoCredential => {
            Code::AUTHORIZATION_MISSING.reject("Request headers are required (Authorization)")
        }
        _ => Code::AUTHORIZATION_MALFORMED.reject("Authorization must be 'Bearer', a space and a token"),
    })
}

#[cfg(test)]
mod tests {
    use http::header::AUTHORIZATION;

    use super::*;

    fn code(values: &[&str]) -> Option<&'static str> {
        let mut headers: HeaderMap = values.iter().map(|value| (AUTHORIZATION, value.parse().unwrap())).collect();
        take(&mut headers).err().and_then(|rejection| rejection.code())
    }

    #[test]
    fn a_missing_header_and_a_malformed_one_have_their_codes() {
        assert_eq!(code(&["Bearer a"]), None);
        assert_eq!((code(&[]), code(&[""])), (Some("40101"), Some("40101")));
        assert_eq!((code(&["Basic a"]), code(&["Bearer a", "Bearer a"])), (Some("40102"), Some("40102")));
    }
}
