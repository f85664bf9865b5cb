//! The same readers through serde's visitors alone, to compare [`Reader`](super::reader::Reader) with.

use std::{borrow::Cow, fmt};

use proptest::prelude::*;
use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::{Object, Text, Value, reader::is_too_deep};
use crate::Rejection;

const MEMBERS_LIMIT: usize = 1024;
const FIELDS_LIMIT: usize = 4096;

fn members<'a, const N: usize>(text: &'a str, names: &[&'static str; N]) -> Result<[Option<Value<'a>>; N], Rejection> {
    let mut members = [const { None }; N];
    let mut problem = None;
    let parsed = parse(text, Members { names, members: &mut members, problem: &mut problem });
    match problem {
        None => parsed.map(|()| members).map_err(|error| invalid(&error, "the body is not a JSON object")),
        Some(rejection) => Err(rejection),
    }
}

fn ignore<'de, A>(map: &mut A, ignored: &mut usize, problem: &mut Option<Rejection>) -> Result<(), A::Error>
where
    A: MapAccess<'de>,
{
    if *ignored == MEMBERS_LIMIT {
        return Err(stop(problem, too_many()));
    }
    *ignored += 1;
    if map.next_value::<Ignored>()?.too_deep { Err(stop(problem, too_deep())) } else { Ok(()) }
}

fn stop<E: Error>(problem: &mut Option<Rejection>, rejection: Rejection) -> E {
    *problem = Some(rejection);
    E::custom("stopped")
}

fn parse<'a, S: DeserializeSeed<'a>>(text: &'a str, seed: S) -> Result<S::Value, serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let value = seed.deserialize(&mut deserializer)?;
    deserializer.end().map(|()| value)
}

fn invalid(error: &serde_json::Error, wrong_type: impl Into<Cow<'static, str>>) -> Rejection {
    if error.is_data() {
        Rejection::malformed(wrong_type)
    } else {
        let (line, column) = (error.line(), error.column());
        Rejection::malformed(format!("the body is not valid JSON (line {line}, column {column})"))
    }
}

struct Members<'n, 'a, const N: usize> {
    names: &'n [&'static str; N],
    members: &'n mut [Option<Value<'a>>; N],
    problem: &'n mut Option<Rejection>,
}

impl<'de, const N: usize> DeserializeSeed<'de> for Members<'_, 'de, N> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, const N: usize> Visitor<'de> for Members<'_, 'de, N> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut ignored = 0;
        while let Some(index) = map.next_key_seed(IndexOf(self.names))? {
            match index {
                None => ignore(&mut map, &mut ignored, self.problem)?,
                Some(index) => {
                    if self.members[index].replace(map.next_value()?).is_some() {
                        let name = self.names[index];
                        let duplicate = Rejection::malformed(format!("`{name}` is given more than once"));
                        return Err(stop(self.problem, duplicate.with_field(name)));
                    }
                }
            }
        }
        Ok(())
    }
}

struct IndexOf<'n, const N: usize>(&'n [&'static str; N]);

impl<'de, const N: usize> DeserializeSeed<'de> for IndexOf<'_, N> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<const N: usize> Visitor<'_> for IndexOf<'_, N> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        Ok(self.0.iter().position(|name| *name == key))
    }
}

struct Ignored {
    too_deep: bool,
}

impl<'de> Deserialize<'de> for Ignored {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let skipped = <&RawValue>::deserialize(deserializer)?;
        Ok(Self { too_deep: is_too_deep(skipped.get()) })
    }
}

fn too_many() -> Rejection {
    Rejection::malformed("the body has too many members")
}

fn too_deep() -> Rejection {
    Rejection::malformed("the body is nested too deeply")
}

fn object<'a>(text: &'a str, name: &'static str) -> Result<Option<Object<'a>>, Rejection> {
    let mut problem = None;
    let parsed = parse(text, Outer { name, problem: &mut problem });
    match (parsed, problem) {
        (_, Some(rejection)) => Err(rejection),
        (Ok(members), None) => Ok(members),
        (Err(error), None) => {
            Err(invalid(&error, format!("the body must be a JSON object whose `{name}` is an object")))
        }
    }
}

struct Outer<'p> {
    name: &'static str,
    problem: &'p mut Option<Rejection>,
}

impl<'de> DeserializeSeed<'de> for Outer<'_> {
    type Value = Option<Object<'de>>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Outer<'_> {
    type Value = Option<Object<'de>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let Self { name, problem } = self;
        let (mut object, mut ignored) = (None, 0);
        while let Some(index) = map.next_key_seed(IndexOf(&[name]))? {
            if index.is_none() {
                ignore(&mut map, &mut ignored, problem)?;
            } else if object.is_some() {
                return Err(stop(problem, Rejection::malformed(format!("`{name}` is given more than once"))));
            } else {
                object = Some(map.next_value_seed(Inner { name, problem })?);
            }
        }
        Ok(object)
    }
}

struct Inner<'p> {
    name: &'static str,
    problem: &'p mut Option<Rejection>,
}

impl<'de> DeserializeSeed<'de> for Inner<'_> {
    type Value = Object<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Inner<'_> {
    type Value = Object<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some((Text(key), value)) = map.next_entry()? {
            if members.len() == FIELDS_LIMIT {
                let too_many = format!("`{}` has too many fields", self.name);
                return Err(stop(self.problem, Rejection::malformed(too_many)));
            }
            members.push((key, value));
        }
        Ok(members)
    }
}

/// Texts that are nearly JSON objects: pieces of it in any order, and whole objects with a piece changed.
fn texts() -> impl Strategy<Value = String> {
    let strings = [
        "\"a\"",
        "\"b\"",
        "\"\\u0061\"",
        "\"o\"",
        "\"\\u006f\"",
        "\"\"",
        "\"long enough for a word\"",
        "\"\u{e9}\u{1f511}\"",
    ];
    let broken = [
        "\"",
        "\"\\ud800\"",
        "\"\\x\"",
        "\"a\nb\"",
        "\"1234567\u{1}\"",
        "\"a",
        "\"a\"b\"",
        "\u{e9}",
        "\u{feff}",
        "x",
        "\0",
    ];
    let values = [
        "0",
        "-0",
        "12",
        "-7",
        "01",
        "1.5",
        "1e2",
        "-",
        "9223372036854775807",
        "9223372036854775808",
        "-9223372036854775808",
        "18446744073709551616",
        "true",
        "false",
        "null",
        "nul",
        "truex",
    ];
    let marks = ["{", "}", "[", "]", ",", ":", " ", "\n", "\r\n\t", "{}", "[]", "[1,{\"a\":2}]", "{\"a\":[]}"];
    let key = prop::sample::select(strings.to_vec()).boxed();
    let piece = prop::sample::select([&strings[..], &broken, &values, &marks].concat()).boxed();
    let space = prop::sample::select(vec!["", "", "", " ", "\n", " \n "]).boxed();
    let plain = prop::sample::select([&values[..], &["{}", "[]", "[1,{\"a\":2}]"]].concat());
    let value = prop_oneof![3 => key.clone(), 2 => plain, 1 => piece.clone()];
    let member = (space.clone(), key, space.clone(), value, space)
        .prop_map(|(a, key, b, value, c)| format!("{a}{key}{b}:{a}{value}{c}"));
    let flat = prop::collection::vec(member, 0..6).prop_map(|members| format!("{{{}}}", members.join(","))).boxed();
    let nested = (flat.clone(), flat.clone()).prop_map(|(outer, inner)| {
        let outer = outer
            .strip_suffix('}')
            .map_or(String::new(), |members| format!("{members}{}", if members.len() > 1 { "," } else { "" }));
        format!("{outer}\"o\":{inner}}}")
    });
    let whole = prop_oneof![flat, nested];
    let changed = (whole.clone(), any::<prop::sample::Index>(), piece.clone(), any::<bool>()).prop_map(
        |(text, at, piece, rest)| {
            let mut at = at.index(text.len() + 1);
            while !text.is_char_boundary(at) {
                at -= 1;
            }
            format!("{}{piece}{}", &text[..at], if rest { &text[at..] } else { "" })
        },
    );
    let any = prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat());
    prop_oneof![2 => whole, 3 => changed, 1 => any]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn members_and_rejections_are_those_of_serde(text in texts()) {
        prop_assert_eq!(super::members(&text, &["a", "b"]), members(&text, &["a", "b"]), "{}", text);
        // One that is never in its place, as JSON escapes it.
        prop_assert_eq!(super::members(&text, &["a\"b", "a"]), members(&text, &["a\"b", "a"]), "{}", text);
        prop_assert_eq!(super::object(&text, "o"), object(&text, "o"), "{}", text);
    }
}

#[test]
fn bounds_are_those_of_serde() {
    let ignored = |count, end: &str| format!("{{{}\"x\"{end}", "\"x\":1,".repeat(count));
    let fields = |count, end: &str| format!("{{\"o\":{{{}\"x\"{end}", "\"x\":1,".repeat(count));
    let deep = |depth, end: &str| format!("{{\"x\":{}{end}", "[".repeat(depth));
    for end in [":1}", " 1}", ":1", "", ":1}}", ":\"a\"}", "]"] {
        for count in [MEMBERS_LIMIT - 1, MEMBERS_LIMIT] {
            let text = ignored(count, end);
            assert_eq!(super::members(&text, &["a"]), members(&text, &["a"]), "{count} and {end}");
            assert_eq!(super::object(&text, "o"), object(&text, "o"), "{count} and {end}");
        }
        for count in [FIELDS_LIMIT - 1, FIELDS_LIMIT] {
            let text = fields(count, end);
            assert_eq!(super::object(&text, "o"), object(&text, "o"), "{count} and {end}");
        }
        for depth in [127, 128, 129, 9000] {
            let text = deep(depth, &format!("{}{end}", "]".repeat(depth)));
            assert_eq!(super::members(&text, &["a"]), members(&text, &["a"]), "{depth} and {end}");
            assert_eq!(super::members(&text, &["x"]), members(&text, &["x"]), "{depth} and {end}");
        }
    }
}
