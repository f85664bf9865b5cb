use std::{collections::HashSet, fmt};

use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::{
    Text,
    reader::{MEMBERS_LIMIT, not_json, too_many},
};
use crate::Rejection;

/// Reads `text` into a type that implements serde's `Deserialize`.
///
/// It is stricter than serde_json: it refuses a key that is given twice in any object, and more than 1,024 members in
/// one object. A rejection names the wrong member by its path and, unlike an error of serde_json, never repeats a
/// value.
///
/// ```
/// use serde::Deserialize;
/// use tower_verify::{Secret, wire::json};
///
/// #[derive(Deserialize)]
/// struct Review {
///     spec: Spec,
/// }
///
/// #[derive(Deserialize)]
/// struct Spec {
///     token: Secret,
/// }
///
/// let review: Review = json::typed(r#"{"kind": "TokenReview", "spec": {"token": "605b32dd"}}"#)?;
/// assert_eq!(review.spec.token, "605b32dd");
///
/// let reason = |text| json::typed::<Review>(text).err().unwrap().detail().to_owned();
/// assert_eq!(reason(r#"{"spec": {"token": 605}}"#), "`spec.token` does not have the form that is asked for");
/// assert_eq!(reason(r#"{"spec": {"token": "a", "token": "a"}}"#), "`token` is given more than once");
/// # Ok::<(), tower_verify::BoxError>(())
/// ```
///
/// # Errors
/// If `text` is not JSON, does not match the type, is nested deeper than 128 levels, or has an object with a key given
/// twice or with more than 1,024 members.
pub fn typed<T: DeserializeOwned>(text: &str) -> Result<T, Rejection> {
    let mut problem = None;
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let parsed = Unique { problem: &mut problem }.deserialize(&mut deserializer).and_then(|()| deserializer.end());
    if let Some(rejection) = problem {
        return Err(rejection);
    }
    parsed.map_err(|error| not_json(error.line(), error.column()))?;
    serde_path_to_error::deserialize(&mut serde_json::Deserializer::from_str(text)).map_err(|error| {
        let path = error.path().to_string();
        if path != "." && is_repeatable(&path) {
            Rejection::malformed(format!("`{path}` does not have the form that is asked for"))
        } else {
            Rejection::malformed(OTHER_FORM)
        }
    })
}

const OTHER_FORM: &str = "the body does not have the form that is asked for";

/// Whether a rejection may repeat a name that the caller chose.
///
/// The name must be short, and RFC 6749, section 5.2 must allow all its characters in `error_description`.
fn is_repeatable(name: &str) -> bool {
    let allowed = |byte| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\');
    name.len() <= 64 && name.bytes().all(allowed)
}

/// Stops the parser. `rejection` is returned in place of the parser's error.
fn stop<E: Error>(problem: &mut Option<Rejection>, rejection: Rejection) -> E {
    *problem = Some(rejection);
    E::custom("stopped")
}

/// Reads any value, and refuses a key that is given twice in one object.
struct Unique<'p> {
    problem: &'p mut Option<Rejection>,
}

impl<'de> DeserializeSeed<'de> for Unique<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Unique<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while seq.next_element_seed(Unique { problem: &mut *self.problem })?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut keys = HashSet::new();
        while let Some(Text(key)) = map.next_key()? {
            if keys.len() == MEMBERS_LIMIT {
                return Err(stop(self.problem, too_many()));
            }
            if let Some(twice) = keys.replace(key) {
                let name = if is_repeatable(&twice) { format!("`{twice}`") } else { "a member".to_owned() };
                return Err(stop(self.problem, Rejection::malformed(format!("{name} is given more than once"))));
            }
            map.next_value_seed(Unique { problem: &mut *self.problem })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;
    use serde_json::Value;

    use super::*;
    use crate::Secret;

    #[derive(Debug, Deserialize)]
    struct Login {
        user: Secret,
        pin: Option<u32>,
        #[serde(default)]
        devices: Vec<BTreeMap<String, String>>,
    }

    fn reason<T: DeserializeOwned + fmt::Debug>(text: &str) -> String {
        typed::<T>(text).unwrap_err().detail().to_owned()
    }

    #[test]
    fn a_type_is_read() {
        let login: Login = typed(r#"{"user": "j\u006fhn", "pin": 7, "devices": [{"os": "x"}], "more": null}"#).unwrap();
        assert_eq!((login.user, login.pin, login.devices.len()), ("john".into(), Some(7), 1));
        assert_eq!(
            typed::<Value>("[1, 1.5, \"a\", true, null]").unwrap(),
            serde_json::json!([1, 1.5, "a", true, null])
        );
    }

    #[test]
    fn a_duplicate_key_is_refused_at_every_level() {
        for text in [
            r#"{"user": "a", "user": "a"}"#,
            r#"{"user": "a", "us\u0065r": "b"}"#,
            r#"{"devices": [{}, {"user": "a", "x": 1, "user": "a"}]}"#,
            r#"{"more": {"more": {"user": 1, "user": 2}}}"#,
        ] {
            assert_eq!(reason::<Value>(text), "`user` is given more than once");
        }
        assert_eq!(reason::<Value>("{\"\u{e9}\": 1, \"\u{e9}\": 1}"), "a member is given more than once");
        assert!(typed::<Value>(r#"[{"a": 1}, {"a": 1, "A": {"a": 1}}]"#).is_ok());
    }

    #[test]
    fn rejections_name_the_member_and_no_value() {
        for (text, said) in [
            (r#"{"user": 605}"#, "`user` does not have the form that is asked for"),
            (r#"{"user": "a", "pin": "605"}"#, "`pin` does not have the form that is asked for"),
            (r#"{"user": "a", "devices": [{"os": 605}]}"#, "`devices[0].os` does not have the form that is asked for"),
            (r#"{"pin": 605}"#, OTHER_FORM),
            (r#"["605"]"#, OTHER_FORM),
            (r#""605""#, OTHER_FORM),
        ] {
            assert_eq!(reason::<Login>(text), said);
        }
        let name = "605b\u{e9}";
        assert_eq!(reason::<Login>(&format!(r#"{{"user": "a", "devices": [{{"{name}": 1}}]}}"#)), OTHER_FORM);
    }

    #[test]
    fn depth_and_members_are_bounded() {
        let deep = |depth| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(typed::<Value>(&deep(127)).is_ok());
        assert!(typed::<Value>(&deep(200_000)).is_err());
        let members = |count| {
            let members: Vec<_> = (0..count).map(|n| format!("\"{n}\": 1")).collect();
            format!("{{{}}}", members.join(","))
        };
        assert!(typed::<Value>(&members(MEMBERS_LIMIT)).is_ok());
        assert_eq!(reason::<Value>(&members(MEMBERS_LIMIT + 1)), "the body has too many members");
        assert!(reason::<Value>("{\"a\": 1} x").starts_with("the body is not valid JSON (line 1, column "));
    }
}
