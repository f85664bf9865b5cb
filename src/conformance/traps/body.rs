use super::{Trap, filtered, trap, value, without};

/// The JSON object of the members, whose values are strings.
///
/// ```
/// use tower_verify::conformance::traps;
///
/// assert_eq!(traps::object(&[("badge", "${badge}")]), r#"{"badge":"${badge}"}"#);
/// ```
pub fn object(members: &[(&str, &str)]) -> String {
    let members: Vec<_> = members.iter().map(|(name, value)| format!("\"{name}\":\"{value}\"")).collect();
    format!("{{{}}}", members.join(","))
}

/// The good object with another member.
fn with(good: &str, another: impl AsRef<[u8]>) -> Vec<u8> {
    [&good.as_bytes()[..good.len() - 1], b",", another.as_ref(), b"}"].concat()
}

/// Bodies that are not a JSON object in UTF-8, although the members of the object `good` are in most of them.
///
/// ```
/// use tower_verify::conformance::traps;
///
/// let bodies = traps::bodies(r#"{"badge":"${badge}"}"#);
/// let mark = bodies.iter().find(|trap| trap.name == "a byte order mark").unwrap();
/// assert_eq!(mark.text, "\u{feff}{\"badge\":\"${badge}\"}".as_bytes());
/// ```
pub fn bodies(good: &str) -> Vec<Trap<Vec<u8>>> {
    let open = &good[..good.len() - 1];
    let utf_16: Vec<u8> = good.encode_utf16().flat_map(u16::to_le_bytes).collect();
    vec![
        trap("no body", ""),
        trap("a body of white space", " \r\n\t"),
        trap("an array around the object", format!("[{good}]")),
        trap("the object in a string", format!("\"{}\"", good.replace('"', "\\\""))),
        trap("a body that is a string", "\"\""),
        trap("a body that is a number", "1"),
        trap("a body that is null", "null"),
        trap("a body that is true", "true"),
        trap("a body that breaks off", open),
        trap("text after the object", format!("{good}x")),
        trap("two objects", format!("{good}{good}")),
        trap("a NUL after the object", format!("{good}\0")),
        trap("a comma too many", format!("{open},}}")),
        trap("single quotes", good.replace('"', "'")),
        trap("typographic quotes", good.replace('"', "\u{201d}")),
        trap("a comment", format!("{open}/* */}}")),
        trap("a byte order mark", format!("\u{feff}{good}")),
        trap("UTF-16", utf_16),
        trap("an unknown member that is not UTF-8", with(good, b"\"x\":\"\xff\"")),
        trap("an unknown member in an overlong encoding", with(good, b"\"x\":\"\xc0\xaf\"")),
        trap("an unknown member with half of a surrogate pair in UTF-8", with(good, b"\"x\":\"\xed\xa0\x80\"")),
        trap("an unknown member with an unknown escape", with(good, r#""x":"\q""#)),
        trap("an unknown member with a bare line break", with(good, "\"x\":\"\n\"")),
        trap("an unknown member that is NaN", with(good, r#""x":NaN"#)),
        trap("an unknown member with a leading zero", with(good, r#""x":01"#)),
        trap("an unknown member without quotes", with(good, r#"x:1"#)),
    ]
}

/// Bodies in which one required member is not a string that is given once.
///
/// ```
/// use tower_verify::conformance::traps;
///
/// let bodies = traps::member(&[("badge", "${badge}"), ("pin", "${pin}")], "pin");
/// let null = bodies.iter().find(|trap| trap.name == "`pin` is null").unwrap();
/// assert_eq!(null.text, br#"{"badge":"${badge}","pin":null}"#);
/// ```
pub fn member(members: &[(&str, &str)], name: &str) -> Vec<Trap<Vec<u8>>> {
    let (others, good) = (without(members, name), value(members, name));
    let is = |text: &str| {
        let others = object(&others);
        let comma = if others.len() > 2 { "," } else { "" };
        format!("{}{comma}\"{name}\":{text}}}", &others[..others.len() - 1])
    };
    let again = |key: &str, text: &str| with(&object(members), format!("\"{key}\":{text}"));
    let quoted = format!("\"{good}\"");
    vec![
        trap(format!("`{name}` is missing"), object(&others)),
        trap(format!("`{name}` is empty"), is("\"\"")),
        trap(format!("`{name}` is null"), is("null")),
        trap(format!("`{name}` is a number"), is("1234567")),
        trap(format!("`{name}` is true"), is("true")),
        trap(format!("`{name}` is an array of the good value"), is(&format!("[{quoted}]"))),
        trap(format!("`{name}` is an object"), is(&format!("{{\"$ne\":{quoted}}}"))),
        trap(
            format!("`{name}` in another case"),
            with(&object(&others_or_dummy(&others)), format!("\"{}\":{quoted}", swapped(name))),
        ),
        trap(format!("`{name}` is given twice"), again(name, &quoted)),
        trap(format!("`{name}` is given twice, first a wrong one"), first_wrong(members, name)),
        trap(format!("`{name}` is given twice, then null"), again(name, "null")),
        trap(format!("`{name}` is given twice, one name with an escape"), again(&with_escape(name), &quoted)),
    ]
}

/// The name with its first letter escaped.
fn with_escape(name: &str) -> String {
    let (first, rest) = name.split_at(name.chars().next().map_or(0, char::len_utf8));
    let escaped: String = first.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect();
    escaped + rest
}

/// An object needs a member before the comma.
fn others_or_dummy<'a>(others: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    if others.is_empty() { vec![("x", "")] } else { others.to_vec() }
}

fn first_wrong(members: &[(&str, &str)], name: &str) -> Vec<u8> {
    let good = object(members);
    format!("{{\"{name}\":\"wrong\",{}", &good[1..]).into_bytes()
}

/// The name with the case of its first letter changed.
fn swapped(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or(String::new(), |first| {
        let other =
            if first.is_lowercase() { first.to_uppercase().to_string() } else { first.to_lowercase().to_string() };
        other + letters.as_str()
    })
}

/// The same members as a good object, written in another way.
///
/// ```
/// use tower_verify::conformance::traps;
///
/// let bodies = traps::object_variations(&[("badge", "${badge}"), ("pin", "${pin}")]);
/// let other = bodies.iter().find(|trap| trap.name == "members in another order").unwrap();
/// assert_eq!(other.text, br#"{"pin":"${pin}","badge":"${badge}"}"#);
/// ```
pub fn object_variations(members: &[(&str, &str)]) -> Vec<Trap<Vec<u8>>> {
    let good = object(members);
    let reversed: Vec<_> = members.iter().rev().copied().collect();
    let escaped: Vec<_> = members.iter().map(|(name, value)| (*name, filtered(value, "all"))).collect();
    let escaped: Vec<_> = escaped.iter().map(|(name, value)| (*name, &**value)).collect();
    let renamed: Vec<_> = members.iter().map(|(name, value)| (with_escape(name), *value)).collect();
    let renamed: Vec<_> = renamed.iter().map(|(name, value)| (&**name, *value)).collect();
    vec![
        trap("members in another order", object(&reversed)),
        trap("white space", format!("\r\n {} \t\n", good.replace("\":\"", "\" :\t\"").replace("\",\"", "\"\n,\n\""))),
        trap("an unknown member", with(&good, r#""x":"y""#)),
        trap("unknown members of every type", with(&good, r#""a":1.5e3,"b":null,"c":[true,{"auth":{}}],"":-0"#)),
        trap("an unknown member that is given twice", with(&good, r#""x":1,"x":2"#)),
        trap("values with escapes", object(&escaped)),
        trap("names with escapes", object(&renamed)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::shape::strict;

    const MEMBERS: &[(&str, &str)] = &[("badge", "4711"), ("pin", "605b32dd")];

    #[test]
    fn no_bad_body_is_a_strict_object_of_the_good_members() {
        for trap in
            bodies(&object(MEMBERS)).into_iter().chain(member(MEMBERS, "pin")).chain(member(&MEMBERS[1..], "pin"))
        {
            let good = strict(&trap.text).ok().filter(|body| body["pin"] == "605b32dd");
            assert_eq!(good, None, "{}", trap.name);
        }
    }

    #[test]
    fn a_bad_member_does_not_make_the_body_bad_json() {
        for trap in member(MEMBERS, "pin").into_iter().chain(member(&MEMBERS[1..], "pin")) {
            serde_json::from_slice::<serde_json::Value>(&trap.text)
                .unwrap_or_else(|error| panic!("{}: {error}", trap.name));
        }
    }

    #[test]
    fn each_variation_has_the_good_members() {
        for trap in object_variations(MEMBERS) {
            let body: serde_json::Value =
                serde_json::from_slice(&trap.text).unwrap_or_else(|error| panic!("{}: {error}", trap.name));
            assert_eq!((&body["badge"], &body["pin"]), (&"4711".into(), &"605b32dd".into()), "{}", trap.name);
        }
        let [.., values, names] = &object_variations(&[("pin", "${pin}")])[..] else { panic!("there are two") };
        assert_eq!(values.text, br#"{"pin":"${pin|all}"}"#);
        assert_eq!(names.text, br#"{"\u0070in":"${pin}"}"#);
    }
}
