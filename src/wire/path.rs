//! Names in the path of a request.

use std::borrow::Cow;

use super::percent;
use crate::Rejection;

/// Segment number `index` of `path`, from 0, decoded. It is `None` if the path has fewer segments.
///
/// An encoded slash does not separate segments. The segment is borrowed if it has no escapes.
///
/// ```
/// use tower_verify::wire::path;
///
/// let uri: http::Uri = "/user/john%40example.com/mac".parse()?;
/// assert_eq!(path::segment(uri.path(), 1)?.as_deref(), Some("john@example.com"));
/// assert_eq!(path::segment(uri.path(), 3)?, None);
/// assert_eq!(path::segment("/user/a%2Fb+c", 1)?.as_deref(), Some("a/b+c"));
/// # Ok::<(), tower_verify::BoxError>(())
/// ```
///
/// # Errors
/// If the segment is not percent-encoded UTF-8.
pub fn segment(path: &str, index: usize) -> Result<Option<Cow<'_, str>>, Rejection> {
    let path = path.strip_prefix('/').unwrap_or(path);
    let Some(segment) = path.split('/').nth(index) else { return Ok(None) };
    if !segment.contains('%') {
        return Ok(Some(Cow::Borrowed(segment)));
    }
    let decoded = percent::decode(segment, b'+').map(Cow::Owned);
    decoded.map(Some).ok_or_else(|| Rejection::malformed("the path is not percent-encoded UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_are_counted_before_they_are_decoded() {
        for (path, segments) in [
            ("/user/john", &["user", "john"][..]),
            ("/user//x/", &["user", "", "x", ""]),
            ("/a%2Fb+c/%C5%9E%2525", &["a/b+c", "\u{15e}%25"]),
            ("/", &[""]),
            ("*", &["*"]),
        ] {
            for (index, expected) in segments.iter().enumerate() {
                assert_eq!(segment(path, index).unwrap().as_deref(), Some(*expected), "{path}");
            }
            assert_eq!(segment(path, segments.len()), Ok(None), "{path}");
        }
        assert!(matches!(segment("/plain", 0), Ok(Some(Cow::Borrowed("plain")))));
    }

    #[test]
    fn anything_but_percent_encoded_utf8_is_refused_and_not_repeated() {
        for text in ["%", "%4", "%4g", "%ff", "%C0%AF", "%ED%A0%80"] {
            let rejection = segment(&format!("/user/{text}"), 1).unwrap_err();
            assert_eq!(rejection.detail(), "the path is not percent-encoded UTF-8");
        }
    }
}
