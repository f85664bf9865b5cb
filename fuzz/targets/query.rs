//! The readers of queries, forms and paths. The input is the query, the form or the path.

#![no_main]

use bytes::Bytes;
use http::Uri;
use libfuzzer_sys::fuzz_target;
use tower_verify::wire::{path, query};
use tower_verify_fuzz::reference;

const NAMES: [&str; 3] = ["token", "a", ""];

fuzz_target!(|input: &[u8]| {
    if let Ok(text) = std::str::from_utf8(input) {
        let read = query::parameters(text, &NAMES);
        let expected = reference::parameters(text, NAMES);
        let read = read.ok().map(|values| values.map(|value| value.map(|value| value.into_owned())));
        assert_eq!(read, expected);

        let secrets = query::secrets(&text.into(), &NAMES).ok();
        let secrets = secrets.map(|all| all.map(|one| one.map(|secret| secret.expose_secret().to_owned())));
        assert_eq!(secrets, read);

        let given = reference::query(text);
        let given = given.map(|all| all.into_iter().filter(|(name, _)| name == "a").map(|(_, value)| value).collect());
        let all = query::all(text, "a").ok();
        assert_eq!(all.map(|all| all.into_iter().map(String::from).collect::<Vec<_>>()), given);

        let segments = Vec::from_iter(text.strip_prefix('/').unwrap_or(text).split('/'));
        for index in 0..5 {
            let read = path::segment(text, index).ok().map(|segment| segment.map(String::from));
            let expected = segments.get(index).map(|segment| reference::percent_decoded(segment));
            assert_eq!(read, expected.map_or(Some(None), |segment| segment.map(Some)));
        }
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
