use bytes::Bytes;
use bytestring::ByteString;

use super::Credentials;
use crate::{Rejection, wire};

/// The types that `auth` can be decoded into: [`Credentials`], or a type of yours in [`Auth`](super::Auth).
///
/// The trait is sealed: name it in the bounds of code that is generic over the two.
///
/// ```
/// use serde::Deserialize;
/// use tower_verify::{
///     BoxError, GuardLayer, Secret, Verifier,
///     talkdesk::{Auth, Call, CallVerdict, Credentials, Fields, LaterCalls},
///     verifier_fn,
/// };
///
/// #[derive(Clone)]
/// struct Account(&'static str);
///
/// /// A guard that reads bodies of up to 64 KiB.
/// fn guard<A: Fields, V: Verifier<Call<Account, A>>>(verifier: V) -> GuardLayer<LaterCalls<Account, A>, V> {
///     GuardLayer::new(LaterCalls::new(), verifier).body_limit(64 * 1024)
/// }
///
/// #[derive(Deserialize)]
/// struct Stored {
///     token: Secret,
/// }
///
/// fn verdict(token: Option<&Secret>) -> Result<CallVerdict<Account>, BoxError> {
///     let good = token.is_some_and(|token| *token == "123456789");
///     Ok(if good { CallVerdict::Verified(Account("john")) } else { CallVerdict::Denied })
/// }
///
/// let by_name = guard(verifier_fn(|call: http::Request<Call<Account, Credentials>>| async move {
///     verdict(call.body().auth.text("token"))
/// }));
/// let typed = guard(verifier_fn(|call: http::Request<Call<Account, Auth<Stored>>>| async move {
///     verdict(Some(&call.body().auth.0.token))
/// }));
/// ```
pub trait Fields: sealed::FromCredentials {}

impl<A: sealed::FromCredentials> Fields for A {}

pub(super) mod sealed {
    use super::Credentials;
    use crate::Rejection;

    pub trait FromCredentials: Sized + Send + 'static {
        fn from_credentials(credentials: Credentials) -> Result<Self, Rejection>;
    }

    impl FromCredentials for Credentials {
        fn from_credentials(credentials: Credentials) -> Result<Self, Rejection> {
            Ok(credentials)
        }
    }
}

// Contract: TD-1, TD-2, TD-5, TD-6, TD-7.
/// Reads the `auth` of a body.
pub(super) fn auth<A: Fields>(body: Bytes) -> Result<A, Rejection> {
    let text = wire::text(body)?;
    credentials(text).and_then(A::from_credentials).map_err(|rejection| rejection.with_field("auth"))
}

// Contract: TD-3, TD-4.
fn credentials(text: ByteString) -> Result<Credentials, Rejection> {
    Credentials::read(text)?.ok_or_else(|| Rejection::malformed("`auth` is missing"))
}

/// A rejection for one field of `auth`.
///
/// It repeats the field's name if the name is short and RFC 6749 allows all its characters in `error_description`.
/// Other names are left out: no integration is configured with them.
pub(super) fn wrong_field(name: &str, what: &str) -> Rejection {
    let repeatable = |byte| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\');
    if name.len() <= 64 && name.bytes().all(repeatable) {
        Rejection::malformed(format!("`{name}` in `auth` {what}"))
    } else {
        Rejection::malformed(format!("a field of `auth` {what}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(body: &str) -> Result<Credentials, Rejection> {
        auth(Bytes::copy_from_slice(body.as_bytes()))
    }

    fn reason(body: &str) -> String {
        decode(body).unwrap_err().detail().to_owned()
    }

    // Contract: TD-1.
    #[test]
    fn the_documented_sample_is_read() {
        let body = Bytes::from(r#"{"auth": {"username": "john@example.com", "password": "605b32dd"}}"#);
        let credentials: Credentials = auth(body).unwrap();
        assert_eq!(credentials.len(), 2);
        assert_eq!(credentials.text("password").unwrap(), &"605b32dd");
        let username = credentials.text("username").unwrap().expose_secret();
        assert_eq!(username, "john@example.com");
    }

    #[test]
    fn a_long_text_is_a_slice_of_the_body() {
        let body = Bytes::from(r#"{"auth": {"token": "more than twenty-three bytes"}}"#);
        let credentials: Credentials = auth(body.clone()).unwrap();
        let token = credentials.text("token").unwrap().expose_secret();
        assert!(body.as_ptr_range().contains(&token.as_ptr()));
    }

    // Contract: TD-2.
    #[test]
    fn the_three_types_and_escapes_are_read() {
        let credentials = decode(
            r#"{"meta": [{"auth": 1}], "auth": {"a\u0062": "\u0041\n", "min": -9223372036854775808, "on": true}}"#,
        )
        .unwrap();
        assert_eq!(credentials.text("ab").unwrap(), &"A\n");
        assert_eq!(credentials.integer("min"), Some(i64::MIN));
        assert_eq!(credentials.boolean("on"), Some(true));
        assert!(decode(r#"{"auth": {}}"#).unwrap().is_empty());
    }

    // Contract: TD-3.
    #[test]
    fn other_types_are_refused_and_the_field_is_named() {
        for value in
            ["1.5", "1e2", "9223372036854775808", "-9223372036854775809", "null", "[\"605b\"]", "{\"605b\": 1}"]
        {
            let reason = reason(&format!(r#"{{"auth": {{"user": "x", "pin": {value}}}}}"#));
            assert_eq!(reason, "`pin` in `auth` must be a string, an integer or a boolean", "{value}");
        }
    }

    // Contract: TD-4.
    #[test]
    fn a_duplicate_field_is_refused_with_escapes_too() {
        for body in [
            r#"{"auth": {"pin": "1", "user": "x", "pin": "1"}}"#,
            r#"{"auth": {"pin": "1", "user": "x", "p\u0069n": 2}}"#,
            r#"{"auth": {"p\u0069n": "1", "\u0070in": true}}"#,
        ] {
            assert_eq!(reason(body), "`pin` in `auth` is given more than once");
        }
        assert_eq!(decode(r#"{"auth": {"pin": "1", "Pin": "1", "pin ": "1"}}"#).unwrap().len(), 3);
    }

    // Contract: TD-5.
    #[test]
    fn auth_must_be_given_once_as_an_object() {
        for body in ["{}", r#"{"Auth": {}}"#, r#"{"meta": {"auth": {}}}"#] {
            assert_eq!(reason(body), "`auth` is missing");
        }
        for body in [
            r#"{"auth": {"pin": 1}, "auth": {"pin": 1}}"#,
            r#"{"auth": {"pin": 1}, "\u0061uth": {}}"#,
            r#"{"auth": {}, "meta": {}, "auth": {}, "auth": {}}"#,
        ] {
            assert_eq!(reason(body), "`auth` is given more than once");
        }
        for body in ["[]", "\"605b\"", "null", "7", r#"{"auth": "605b"}"#, r#"{"auth": ["605b"]}"#, r#"{"auth": null}"#]
        {
            assert_eq!(reason(body), "the body must be a JSON object whose `auth` is an object", "{body}");
        }
    }

    #[test]
    fn a_body_that_is_not_json_is_refused() {
        for body in ["", "auth=1", r#"{"auth": {"pin": "605b"}"#, r#"{"auth": {}} {}"#, r#"{"auth": {"pin": 01}}"#] {
            assert!(reason(body).starts_with("the body is not valid JSON (line 1, column "), "{body}");
        }
        let rejection = auth::<Credentials>(Bytes::from_static(b"{\"auth\": {\"pin\": \"\xff\"}}")).unwrap_err();
        assert_eq!(rejection.detail(), "the body is not UTF-8");
    }

    #[test]
    fn the_depth_is_bounded_everywhere() {
        let deep = |depth| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(decode(&format!(r#"{{"auth": {{}}, "meta": {}}}"#, deep(100))).is_ok());
        for (body, expected) in [
            (format!(r#"{{"auth": {{}}, "meta": {}}}"#, deep(9000)), "the body is nested too deeply"),
            (
                format!(r#"{{"auth": {{"a": {}}}}}"#, deep(9000)),
                "`a` in `auth` must be a string, an integer or a boolean",
            ),
        ] {
            assert_eq!(reason(&body), expected);
        }
    }

    #[test]
    fn too_many_fields_are_refused() {
        let fields = |count| (0..count).map(|n| format!("\"field{n}\": {n}")).collect::<Vec<_>>().join(",");
        assert_eq!(decode(&format!("{{\"auth\": {{{}}}}}", fields(4096))).unwrap().len(), 4096);
        assert_eq!(reason(&format!("{{\"auth\": {{{}}}}}", fields(4097))), "`auth` has too many fields");
    }

    // Contract: TD-6.
    #[test]
    fn ignored_members_are_bounded() {
        let body = |count: usize| format!("{{{}\"auth\": {{}}}}", "\"x\": 1,".repeat(count));
        assert!(decode(&body(1024)).is_ok());
        assert_eq!(reason(&body(1025)), "the body has too many members");
    }

    #[test]
    fn a_thousand_fields_are_read_and_found() {
        let fields: Vec<_> = (0..1000).rev().map(|n| format!("\"field{n}\": {n}")).collect();
        let credentials = decode(&format!("{{\"auth\": {{{}}}}}", fields.join(","))).unwrap();
        assert_eq!(credentials.len(), 1000);
        assert!((0..1000).all(|n| credentials.integer(&format!("field{n}")) == Some(n)));
    }

    #[test]
    fn a_long_or_unprintable_name_is_not_repeated() {
        for name in ["x".repeat(65), "\u{e9}".to_owned(), "a\\nb".to_owned(), "a\\\"b".to_owned()] {
            let reason = reason(&format!(r#"{{"auth": {{"{name}": null}}}}"#));
            assert_eq!(reason, "a field of `auth` must be a string, an integer or a boolean");
        }
    }
}
