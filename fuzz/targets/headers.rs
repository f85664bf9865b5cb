//! The readers of `Authorization`, of cookies and of single headers, and the caller's secret. The input is the request's headers.

#![no_main]

use http::HeaderName;
use libfuzzer_sys::fuzz_target;
use tower_verify::{CallerSecret, wire};
use tower_verify_fuzz::{message, reference};

const SECRETS: [&str; 3] = ["next", "current \u{e9}", "a"];

fuzz_target!(|input: &[u8]| {
    let headers = message::parse("/", input).into_parts().0.headers;

    let mut left = headers.clone();
    let token = wire::bearer::take(&mut left).ok().map(|token| token.expose_secret().to_owned());
    assert_eq!(token, reference::bearer(&headers));
    assert!(!left.contains_key("authorization"));

    let mut left = headers.clone();
    let pair = wire::basic::take(&mut left).ok();
    let pair = pair.map(|(user, password)| (user.expose_secret().to_owned(), password.expose_secret().to_owned()));
    assert_eq!(pair, reference::basic(&headers));
    assert!(!left.contains_key("authorization"));

    let mut left = headers.clone();
    let value = wire::cookie::take(&mut left, "s").ok().map(|value| value.expose_secret().to_owned());
    assert_eq!(value, reference::cookie(&headers, "s"));
    assert_eq!(wire::cookie::take(&mut left.clone(), "s").ok(), None, "the cookie is still there");
    assert_eq!(reference::cookie(&left, "theme"), reference::cookie(&headers, "theme"), "another cookie is changed");

    let name = HeaderName::from_static("auth-token");
    let text = wire::header::text(&headers, "auth-token").ok();
    let expected =
        reference::header(&headers, &name).filter(|value| value.iter().all(|byte| matches!(byte, b'\t' | b' '..=b'~')));
    assert_eq!(text.map(str::as_bytes), expected);
    let mut left = headers.clone();
    let secret = CallerSecret::new(name.clone(), SECRETS).expect("the secrets are valid");
    let presented = reference::header(&headers, &name);
    let known = presented.is_some_and(|value| SECRETS.iter().any(|secret| secret.as_bytes() == value));
    assert_eq!(secret.check(&mut left).is_ok(), known);
    assert!(!left.contains_key(&name));

    // A secret that can be configured can be presented, and nothing else is it.
    if let Some(configured) = presented.and_then(|value| std::str::from_utf8(value).ok())
        && let Ok(secret) = CallerSecret::new(name.clone(), [configured])
    {
        assert!(secret.check(&mut headers.clone()).is_ok());
        let mut other = headers.clone();
        other.append(name, "a".parse().expect("it is a value"));
        assert!(secret.check(&mut other).is_err(), "a header that is given twice is read");
    }
});
