//! The readers of queries and forms. The input is the query.

#![no_main]

use bytes::Bytes;
use http::Uri;
use libfuzzer_sys::fuzz_target;
use tower_verify::wire::query;
use tower_verify_fuzz::reference;

const NAMES: [&str; 3] = ["token", "a", ""];

fuzz_target!(|input: &[u8]| {
    if let Ok(text) = std::str::from_utf8(input) {
        let read = query::parameters(text, &NAMES);
        let expected = reference::parameters(text, NAMES);
        let read = read.ok().map(|values| values.map(|value| value.map(|value| value.into_owned())));
        assert_eq!(read, expected);
    }

    // The query is taken out of any target that a server can get.
    for begin in ["/a?", "https://example.com?", "https://example.com/?", "", "*?"] {
        let Ok(uri) = Uri::from_maybe_shared(Bytes::from([begin.as_bytes(), input].concat())) else { continue };
        let mut left = uri.clone();
        let Ok(taken) = query::take(&mut left) else {
            assert_eq!(uri.path_and_query(), None);
            continue;
        };
        assert_eq!(&*taken, uri.query().unwrap_or_default());
        assert_eq!((left.query(), left.path()), (None, uri.path()));
        assert_eq!((left.scheme(), left.authority()), (uri.scheme(), uri.authority()));
    }
});
