//! Cookies (RFC 6265, section 4.2).

use http::{HeaderMap, HeaderValue, header::COOKIE};

use crate::{Rejection, Secret};

/// Takes the cookie `name` out of the headers `Cookie`, which keep the others.
///
/// HTTP/2 and proxies may spread cookies over several headers (RFC 9113, section 8.2.3): they are put together again.
/// The name is compared byte for byte. The prefix `__Host-` in a name keeps other hosts of the domain from setting the
/// cookie.
///
/// ```
/// use http::{HeaderMap, header::COOKIE};
/// use tower_verify::{RejectionKind, wire::cookie};
///
/// let mut headers = HeaderMap::new();
/// headers.insert(COOKIE, "theme=dark; __Host-session=605b32dd".parse()?);
/// assert_eq!(cookie::take(&mut headers, "__Host-session")?, "605b32dd");
/// assert_eq!(headers[COOKIE], "theme=dark");
///
/// let again = cookie::take(&mut headers, "__Host-session").unwrap_err();
/// assert_eq!(again.kind(), RejectionKind::NoCredential);
/// # Ok::<(), tower_verify::BoxError>(())
/// ```
///
/// # Errors
/// [`NoCredential`](crate::RejectionKind::NoCredential) if there is no such cookie or its value is empty, and
/// [`Malformed`](crate::RejectionKind::Malformed) if it is given more than once, because any host of the domain may
/// have set the other one, or if its value is not visible ASCII.
pub fn take(headers: &mut HeaderMap, name: &'static str) -> Result<Secret, Rejection> {
    let sent: Vec<HeaderValue> = headers.get_all(COOKIE).iter().cloned().collect();
    let pairs = sent.iter().flat_map(|value| value.as_bytes().split(|byte| *byte == b';')).map(<[u8]>::trim_ascii);
    let value_of = |pair: &&[u8]| pair.strip_prefix(name.as_bytes()).is_some_and(|rest| rest.starts_with(b"="));
    let (taken, others): (Vec<&[u8]>, Vec<&[u8]>) = pairs.filter(|pair| !pair.is_empty()).partition(value_of);
    headers.remove(COOKIE);
    if !others.is_empty() {
        let others = HeaderValue::from_bytes(&others.join(&b"; "[..])).expect("these were in a header");
        headers.insert(COOKIE, others);
    }

    let malformed = |fault| Rejection::malformed(fault).with_field(name);
    let value = match taken[..] {
        [] => b"",
        [pair] => &pair[name.len() + 1..],
        _ => return Err(malformed("the cookie is given more than once")),
    };
    match str::from_utf8(value) {
        Ok("") => Err(Rejection::no_credential("the cookie is missing").with_field(name)),
        Ok(text) if text.bytes().all(|byte| byte.is_ascii_graphic()) => Ok(Secret::from(text)),
        _ => Err(malformed("the cookie is not text")),
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;
    use crate::RejectionKind;

    /// The value of the cookie `s`, and the headers `Cookie` that are left.
    fn taken(values: &[&'static [u8]]) -> (Result<String, RejectionKind>, Vec<HeaderValue>) {
        let value = |value: &&'static [u8]| (COOKIE, HeaderValue::from_bytes(value).unwrap());
        let mut headers: HeaderMap = values.iter().map(value).collect();
        let taken = take(&mut headers, "s").map(|value| value.expose_secret().to_owned());
        (taken.map_err(|rejection| rejection.kind()), headers.get_all(COOKIE).iter().cloned().collect())
    }

    #[test]
    fn the_cookie_is_taken_and_the_others_stay() {
        for (values, left) in [
            (&[&b"s=a=b"[..]][..], &[][..]),
            (&[b"x=1; s=a=b; S=2; s2=3; xs=4; s"], &["x=1; S=2; s2=3; xs=4; s"]),
            (&[b"x=1", b"s=a=b;y=2;"], &["x=1; y=2"]),
            (&[b" s=a=b ;; "], &[]),
        ] {
            let (value, cookies) = taken(values);
            assert_eq!((value.as_deref(), cookies.as_slice().len()), (Ok("a=b"), left.len()));
            assert_eq!(cookies, left);
        }
        // The value of another application's cookie does not matter.
        assert_eq!(taken(&[b"x=\xff; s=1"]), (Ok("1".into()), vec![HeaderValue::from_bytes(b"x=\xff").unwrap()]));
    }

    #[test]
    fn a_missing_or_empty_cookie_is_no_credential() {
        for values in [&[][..], &[&b""[..]], &[b"x=1"], &[b"s="], &[b"s"], &[b"s =1"], &[b"S=1"]] {
            assert_eq!(taken(values).0, Err(RejectionKind::NoCredential), "{values:?}");
        }
    }

    #[test]
    fn a_cookie_that_is_given_twice_or_is_not_text_is_malformed() {
        for values in [&[&b"s=1; s=1"[..]][..], &[b"s=1", b"s=2"], &[b"s=; s=1"], &[b"s=\xc3\xa9"], &[b"s=a b"]] {
            let (value, left) = taken(values);
            assert_eq!((value, left.len()), (Err(RejectionKind::Malformed), 0), "{values:?}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2048))]

        #[test]
        fn it_is_the_cookie_of_a_browser_or_none(headers in vec("(s|=|;|; |s=|a=1|x| |\u{e9}){0,8}", 0..3)) {
            let sent: Vec<&str> = headers.iter().flat_map(|header| header.split(';')).map(str::trim).collect();
            let (ours, others): (Vec<&str>, Vec<&str>) =
                sent.into_iter().filter(|pair| !pair.is_empty()).partition(|pair| pair.starts_with("s="));
            let value = match ours[..] {
                [] | ["s="] => Err(RejectionKind::NoCredential),
                [pair] if pair.is_ascii() && !pair.contains(' ') => Ok(pair[2..].to_owned()),
                _ => Err(RejectionKind::Malformed),
            };

            let mut sent = HeaderMap::new();
            for header in &headers {
                sent.append(COOKIE, HeaderValue::from_bytes(header.as_bytes()).unwrap());
            }
            let taken = take(&mut sent, "s").map(|value| value.expose_secret().to_owned());
            prop_assert_eq!(taken.map_err(|rejection| rejection.kind()), value);
            let left: Vec<&[u8]> = sent.get_all(COOKIE).iter().map(HeaderValue::as_bytes).collect();
            let others = others.join("; ");
            prop_assert_eq!(left, if others.is_empty() { vec![] } else { vec![others.as_bytes()] });
        }
    }
}
