//! Headers that a request has once.

use http::HeaderMap;

use crate::Rejection;

/// The one value of the header `name`, as text.
///
/// ```
/// use http::HeaderMap;
/// use tower_verify::wire::header;
///
/// let mut headers = HeaderMap::new();
/// headers.insert("x-forwarded-uri", "/photos?page=2".parse()?);
/// assert_eq!(header::text(&headers, "x-forwarded-uri")?, "/photos?page=2");
///
/// headers.append("x-forwarded-uri", "/admin".parse()?);
/// let twice = header::text(&headers, "x-forwarded-uri").unwrap_err();
/// assert_eq!(twice.field(), Some("x-forwarded-uri"));
/// # Ok::<(), tower_verify::BoxError>(())
/// ```
///
/// # Errors
/// If the header is missing, is given more than once, because parsers disagree on which one counts, or has other
/// characters than visible ASCII and spaces.
pub fn text<'a>(headers: &'a HeaderMap, name: &'static str) -> Result<&'a str, Rejection> {
    let mut values = headers.get_all(name).iter();
    let text = match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().map_err(|_| "the header is not text"),
        (Some(_), Some(_)) => Err("the header is given more than once"),
        (None, _) => Err("the header is missing"),
    };
    text.map_err(|fault| Rejection::malformed(fault).with_field(name))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn read(values: &[&'static [u8]]) -> Result<String, String> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append("x-uri", HeaderValue::from_bytes(value).unwrap());
        }
        text(&headers, "x-uri").map(str::to_owned).map_err(|rejection| rejection.detail().to_owned())
    }

    #[test]
    fn a_header_counts_if_it_is_there_once_and_is_text() {
        assert_eq!(read(&[b"/a b"]).unwrap(), "/a b");
        assert_eq!(read(&[b""]).unwrap(), "");
        assert_eq!(read(&[]).unwrap_err(), "the header is missing");
        assert_eq!(read(&[b"/a", b"/a"]).unwrap_err(), "the header is given more than once");
        assert_eq!(read(&[b"/\xc3\xa9"]).unwrap_err(), "the header is not text");
    }
}
