//! Strict queries: percent-encoded `name=value` pairs.
//!
//! Unlike common decoders, [`parameters`] refuses
//!
//! * bytes that are not UTF-8, because the replacement character would make two different tokens equal,
//! * a parameter that is given twice, because parsers disagree on which one counts.

use std::{borrow::Cow, mem, sync::OnceLock};

use bytes::{Buf, Bytes};
use bytestring::ByteString;
use http::{Uri, uri::PathAndQuery};

use super::{
    names, percent,
    scan::{self, Eight},
    text,
};
use crate::{Rejection, Secret};

/// Takes the query out of `uri`, which keeps its path, so that no log of the URI shows it.
///
/// A URI without a query has an empty one.
///
/// ```
/// use http::Uri;
/// use tower_verify::wire::query;
///
/// let mut uri: Uri = "/user?name=john&token=a%2Bb".parse()?;
/// let taken = query::take(&mut uri)?;
/// assert_eq!((&*taken, uri.path(), uri.query()), ("name=john&token=a%2Bb", "/user", None));
///
/// let [token, name] = query::parameters(&taken, &["token", "name"])?;
/// assert_eq!((token.as_deref(), name.as_deref()), (Some("a+b"), Some("john")));
/// # Ok::<(), tower_verify::BoxError>(())
/// ```
///
/// # Errors
/// If the URI has no path.
pub fn take(uri: &mut Uri) -> Result<ByteString, Rejection> {
    let whole = uri.path_and_query().ok_or_else(no_path)?;
    let Some(query) = whole.query() else { return Ok(ByteString::new()) };
    let path_length = whole.as_str().len() - query.len() - 1;

    // The path and the query stay slices of the buffer that the URI is in.
    let mut parts = mem::take(uri).into_parts();
    let mut query = Bytes::from_owner(Whole(parts.path_and_query.take().ok_or_else(no_path)?));
    let path = query.split_to(path_length);
    query.advance(1);
    let path = if path.is_empty() { Bytes::from_static(b"/") } else { path };
    parts.path_and_query = Some(PathAndQuery::from_maybe_shared(path).map_err(|_| no_path())?);
    *uri = Uri::from_parts(parts).map_err(|_| Rejection::malformed("the request's target is not a URI"))?;
    text(query)
}

/// Removes queries from URIs that have the same path. It parses the path once, where [`take`] would parse it each time.
///
/// An endpoint whose calls have a query keeps one of these.
///
/// ```
/// use http::Uri;
/// use tower_verify::wire::query::{self, OnePath};
///
/// let path = OnePath::default();
/// for token in ["605b32dd", "2f6a11c0"] {
///     let mut uri: Uri = format!("/user?token={token}").parse()?;
///     let [read] = query::parameters(uri.query().unwrap_or_default(), &["token"])?;
///     assert_eq!(read.as_deref(), Some(token));
///     path.remove_query(&mut uri)?;
///     assert_eq!(uri, "/user");
/// }
/// # Ok::<(), tower_verify::BoxError>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct OnePath(OnceLock<PathAndQuery>);

impl OnePath {
    /// Removes the query of `uri`, which keeps its path, so that no log of the URI shows it.
    ///
    /// # Errors
    /// If the URI has no path.
    pub fn remove_query(&self, uri: &mut Uri) -> Result<(), Rejection> {
        let whole = uri.path_and_query().ok_or_else(no_path)?;
        if whole.query().is_none() {
            return Ok(());
        }
        let path = match self.0.get() {
            Some(path) if path.as_str() == whole.path() => path.clone(),
            _ => {
                let path = PathAndQuery::try_from(whole.path()).map_err(|_| no_path())?;
                self.0.get_or_init(|| path.clone());
                path
            }
        };
        if uri.authority().is_none() {
            *uri = path.into();
            return Ok(());
        }
        let mut parts = mem::take(uri).into_parts();
        parts.path_and_query = Some(path);
        *uri = Uri::from_parts(parts).map_err(|_| no_path())?;
        Ok(())
    }
}

fn no_path() -> Rejection {
    Rejection::malformed("the request's target has no path")
}

/// Keeps the buffer of a URI.
struct Whole(PathAndQuery);

impl AsRef<[u8]> for Whole {
    fn as_ref(&self) -> &[u8] {
        self.0.as_str().as_bytes()
    }
}

/// The values of the parameters `names` in `query`, in the order of `names`.
///
/// Other parameters are ignored, but the whole query must be valid. A `+` is a space. It also reads a body of the type
/// `application/x-www-form-urlencoded`.
///
/// ```
/// use tower_verify::wire::query;
///
/// let [token, name, device] = query::parameters("name=john+doe&token=a%2Bb&x=1", &["token", "name", "device"])?;
/// assert_eq!((token.as_deref(), name.as_deref(), device), (Some("a+b"), Some("john doe"), None));
///
/// let twice = query::parameters("token=1&token=2", &["token"]);
/// assert_eq!(twice.unwrap_err().detail(), "`token` is given more than once");
/// # Ok::<(), tower_verify::Rejection>(())
/// ```
///
/// # Errors
/// If one of `names` is given twice, or anything in `query` is not percent-encoded UTF-8.
// Inlined, so that the compiler knows the names.
#[inline(always)]
pub fn parameters<'a, const N: usize>(
    query: &'a str,
    names: &[&'static str; N],
) -> Result<[Option<Cow<'a, str>>; N], Rejection> {
    let mut parameters = [const { None }; N];
    for_each(query, names, |index, value| {
        if parameters[index].is_some() {
            let name = names[index];
            return Err(Rejection::malformed(format!("`{name}` is given more than once")).with_field(name));
        }
        parameters[index] = Some(value);
        Ok(())
    })?;
    Ok(parameters)
}

/// The values of the parameters `names` in `query` as secrets, in the order of `names`.
///
/// It is [`parameters`], with each value as a [slice](Secret::slice_of) of `query`.
///
/// ```
/// use bytes::Bytes;
/// use tower_verify::wire;
///
/// let form = wire::text(Bytes::from("user=john+doe&pass=605b32dd"))?;
/// let [user, password, device] = wire::query::secrets(&form, &["user", "pass", "device"])?;
/// assert!(user.is_some_and(|user| user == "john doe") && password.is_some_and(|password| password == "605b32dd"));
/// assert!(device.is_none());
/// # Ok::<(), tower_verify::Rejection>(())
/// ```
///
/// # Errors
/// Those of [`parameters`].
pub fn secrets<const N: usize>(
    query: &ByteString,
    names: &[&'static str; N],
) -> Result<[Option<Secret>; N], Rejection> {
    Ok(parameters(query, names)?.map(|value| Some(Secret::slice_of(query, value?))))
}

/// The values of the parameter `name` in `query`, however often it is given, in their order.
///
/// Use it where the platform documents that a parameter may be given more than once, and [`parameters`] everywhere else.
///
/// ```
/// use tower_verify::wire::query;
///
/// let scopes = query::all("scope=repository%3Aa%3Apull&service=hub&scope=repository%3Ab%3Apush", "scope")?;
/// assert_eq!(scopes, ["repository:a:pull", "repository:b:push"]);
/// # Ok::<(), tower_verify::Rejection>(())
/// ```
///
/// # Errors
/// If anything in `query` is not percent-encoded UTF-8.
pub fn all<'a>(query: &'a str, name: &str) -> Result<Vec<Cow<'a, str>>, Rejection> {
    let mut values = Vec::new();
    for_each(query, &[name], |_, value| {
        values.push(value);
        Ok(())
    })?;
    Ok(values)
}

/// Calls `parameter` with the index in `names` and the value of each parameter that is one of them, in their order.
#[inline(always)]
fn for_each<'a, const N: usize>(
    query: &'a str,
    names: &[&str; N],
    mut parameter: impl FnMut(usize, Cow<'a, str>) -> Result<(), Rejection>,
) -> Result<(), Rejection> {
    let bytes = query.as_bytes();
    let (mut at, mut likely) = (0, 0);
    while at < query.len() {
        let in_place =
            names.get(likely).filter(|name| names::are_of(names, is_plain) && names::is_at(bytes, at, name, b'='));
        let (index, start) = match in_place {
            Some(name) => (Some(likely), at + name.len() + 1),
            None => {
                let (end, encoded) = name_end(bytes, at);
                let has_value = bytes.get(end) == Some(&b'=');
                if end == at && !has_value {
                    at += 1;
                    continue;
                }
                let name = decoded(&query[at..end], encoded)?;
                (names.iter().position(|known| *known == name), end + usize::from(has_value))
            }
        };
        let (end, encoded) = value_end(bytes, start);
        let value = decoded(&query[start..end], encoded)?;
        at = end + 1;
        let Some(index) = index else { continue };
        parameter(index, value)?;
        likely = index + 1;
    }
    Ok(())
}

/// Whether this byte of a name is the same in a query.
#[inline(always)]
fn is_plain(byte: u8) -> bool {
    !matches!(byte, b'&' | b'=' | b'%' | b'+')
}

/// The end of the name that begins at `start`, and whether it is encoded.
#[inline(never)]
fn name_end(query: &[u8], start: usize) -> (usize, bool) {
    part_end(query, start, b'=')
}

/// The end of the value that begins at `start`, and whether it is encoded.
#[inline(never)]
fn value_end(query: &[u8], start: usize) -> (usize, bool) {
    part_end(query, start, b'&')
}

/// The index of the first `&` or `end` from `start` on, and whether the bytes before it are encoded.
#[inline(always)]
fn part_end(query: &[u8], start: usize, end: u8) -> (usize, bool) {
    let ends = |eight: Eight| eight.equal(b'&') | eight.equal(end);
    let stop = scan::first(query, start, |eight| ends(eight) | eight.equal(b'%') | eight.equal(b'+'));
    match query.get(stop) {
        Some(b'%' | b'+') => (scan::first(query, stop, ends), true),
        _ => (stop, false),
    }
}

/// Decodes a name or a value. Text that is not encoded is borrowed.
#[inline(always)]
fn decoded(text: &str, encoded: bool) -> Result<Cow<'_, str>, Rejection> {
    if !encoded {
        return Ok(Cow::Borrowed(text));
    }
    let decoded = percent::decode(text, b' ').map(Cow::Owned);
    decoded.ok_or_else(|| Rejection::malformed("the query is not percent-encoded UTF-8"))
}

#[cfg(test)]
mod tests {
    use percent_encoding::percent_decode_str;
    use proptest::prelude::*;

    use super::*;

    const NAMES: [&str; 2] = ["token", "userNo"];

    fn reason(query: &str) -> String {
        parameters(query, &NAMES).unwrap_err().detail().to_owned()
    }

    #[test]
    fn parameters_are_read_by_name_and_others_are_ignored() {
        let [token, user_no] = parameters("userNo=45186&x=1&&y&=&token=a=b;c", &NAMES).unwrap();
        assert!(matches!(token, Some(Cow::Borrowed("a=b;c"))));
        assert!(matches!(user_no, Some(Cow::Borrowed("45186"))));
        assert_eq!(parameters("", &NAMES).unwrap(), [None, None]);
        assert_eq!(parameters("TOKEN=1&token", &NAMES).unwrap(), [Some("".into()), None]);
        assert_eq!(parameters("token=1&userNo", &NAMES).unwrap(), [Some("1".into()), Some("".into())]);
        // These would be escaped, so they are not found in their place.
        assert_eq!(parameters("a=b=1&c+d=2", &["a=b", "c+d"]).unwrap(), [None, None]);
    }

    #[test]
    fn a_value_without_a_name_is_no_parameter() {
        assert_eq!(parameters("=a=1&=b", &["a", "b"]).unwrap(), [None, None]);
        assert_eq!(parameters("&=&&b=1&", &["a", "b"]).unwrap(), [None, Some("1".into())]);
    }

    #[test]
    fn names_and_values_are_decoded_once() {
        for (query, token) in [
            ("token=a+b%2Bc", "a b+c"),
            ("%74oken=%C5%9Eifre%20%f0%9f%94%91", "Şifre 🔑"),
            ("token=%2541", "%41"),
            ("token=a%26userNo%3D1%23%00", "a&userNo=1#\0"),
            ("token=Şifre", "Şifre"),
        ] {
            assert_eq!(parameters(query, &NAMES).unwrap(), [Some(token.into()), None], "{query}");
        }
    }

    #[test]
    fn all_values_of_one_name_are_read_in_order() {
        assert_eq!(all("scope=a&x=1&%73cope=b+c&&scope&=&scope=", "scope").unwrap(), ["a", "b c", "", ""]);
        assert!(all("x=1", "scope").unwrap().is_empty());
        assert!(all("scope=a&x=%ff", "scope").is_err());
    }

    #[test]
    fn a_duplicate_parameter_is_refused_with_escapes_too() {
        for query in ["token=1&token=1", "token=1&%74oken=2", "token&token=1"] {
            let rejection = parameters(query, &NAMES).unwrap_err();
            assert_eq!((rejection.detail(), rejection.field()), ("`token` is given more than once", Some("token")));
        }
        assert!(parameters("x=1&x=2", &NAMES).is_ok());
    }

    #[test]
    fn anything_but_percent_encoded_utf8_is_refused() {
        for text in ["%", "%4", "%4g", "%%41", "%+1", "%u0041", "%ff", "%C5", "%C0%AF", "%ED%A0%80"] {
            for query in [format!("token={text}"), format!("x={text}"), format!("{text}=x")] {
                assert_eq!(reason(&query), "the query is not percent-encoded UTF-8", "{query}");
            }
        }
    }

    #[test]
    fn secrets_are_slices_of_the_query() {
        let query = ByteString::from_static("token=more-than-twenty-three-bytes&userNo=4%35");
        let [token, user_no] = secrets(&query, &NAMES).unwrap().map(Option::unwrap);
        assert_eq!(token.expose_secret().as_ptr(), query[6..].as_ptr());
        assert!(token == "more-than-twenty-three-bytes" && user_no == "45");
        assert!(secrets(&ByteString::from_static("token=1&token=1"), &NAMES).is_err());
    }

    #[test]
    fn nothing_but_the_query_is_removed() {
        let one_path = OnePath::default();
        for (full, left, query) in [
            ("/CheckToken?token=605b32dd", "/CheckToken", "token=605b32dd"),
            ("http://example.com:81/a%20b?x?y", "http://example.com:81/a%20b", "x?y"),
            ("http://example.com?x", "http://example.com/", "x"),
            ("/CheckToken?", "/CheckToken", ""),
            ("/CheckToken", "/CheckToken", ""),
            ("*", "*", ""),
        ] {
            let mut uri: Uri = full.parse().unwrap();
            assert_eq!(take(&mut uri).unwrap(), query);
            assert_eq!(uri.to_string(), left);
            // The first path is the known one. The others are no worse.
            for path in [&OnePath::default(), &one_path, &one_path.clone()] {
                let mut uri: Uri = full.parse().unwrap();
                path.remove_query(&mut uri).unwrap();
                assert_eq!(uri.to_string(), left);
            }
        }
        assert_eq!(one_path.0.get().unwrap(), "/CheckToken");
        assert!(take(&mut "example.com:443".parse().unwrap()).is_err());
        assert!(one_path.remove_query(&mut "example.com:443".parse().unwrap()).is_err());
    }

    /// The same with `str::split` and the crate `percent-encoding`.
    fn by_splitting<'a>(query: &'a str, names: [&str; 2]) -> Option<[Option<Cow<'a, str>>; 2]> {
        fn decode(text: &str) -> Option<Cow<'_, str>> {
            let spaced = text.replace('+', " ");
            let is_hex = |rest: &str| rest.bytes().take(2).filter(u8::is_ascii_hexdigit).count() == 2;
            let decoded = percent_decode_str(&spaced).decode_utf8().ok()?.into_owned();
            spaced.split('%').skip(1).all(is_hex).then_some(decoded.into())
        }

        let mut parameters = [const { None }; 2];
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (name, value) = (decode(name)?, decode(value)?);
            let Some(index) = names.iter().position(|known| *known == name) else { continue };
            if parameters[index].replace(value).is_some() {
                return None;
            }
        }
        Some(parameters)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2048))]

        #[test]
        fn parameters_are_those_of_splitting(query in "(&|=|a|b|%61|long enough|%|[+]|%4|%C5%9E|%ff|%0g|\u{e9}){0,12}") {
            prop_assert_eq!(parameters(&query, &["a", ""]).ok(), by_splitting(&query, ["a", ""]), "{}", query);
        }
    }
}
