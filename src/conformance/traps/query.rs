use super::{Trap, filtered, trap, value, without};

/// The query or form of the parameters.
///
/// ```
/// use tower_verify::conformance::traps;
///
/// assert_eq!(traps::query(&[("badge", "${badge}"), ("pin", "${pin}")]), "badge=${badge}&pin=${pin}");
/// ```
pub fn query(parameters: &[(&str, &str)]) -> String {
    let pairs: Vec<_> = parameters.iter().map(|(name, value)| format!("{name}={value}")).collect();
    pairs.join("&")
}

/// Queries that are not percent-encoded UTF-8, although the good parameters are in most of them.
///
/// ```
/// use tower_verify::conformance::traps;
///
/// let queries = traps::queries(&[("badge", "${badge}")]);
/// assert!(queries.iter().any(|trap| trap.text == "badge=${badge}&x=%ff"));
/// ```
pub fn queries(parameters: &[(&str, &str)]) -> Vec<Trap<String>> {
    let good = query(parameters);
    let mut queries = vec![
        trap("no parameter", ""),
        trap("semicolons in place of ampersands", good.replace('&', ";")),
        trap("an unknown parameter whose name is not UTF-8", format!("{good}&%ff=x")),
    ];
    for (what, text) in [
        ("is a percent sign", "%"),
        ("is half a percent sequence", "%4"),
        ("is no percent sequence", "%zz"),
        ("is a sequence of old browsers", "%u0041"),
        ("is not UTF-8", "%ff"),
        ("breaks off in a character", "%C5"),
        ("is in an overlong encoding", "%C0%AF"),
        ("is half of a surrogate pair", "%ED%A0%80"),
    ] {
        queries.push(trap(format!("an unknown parameter that {what}"), format!("{good}&x={text}")));
    }
    queries
}

/// Queries in which one required parameter is not given once, or is not the good value.
///
/// ```
/// use tower_verify::conformance::traps;
///
/// let queries = traps::parameter(&[("badge", "${badge}"), ("pin", "${pin}")], "pin");
/// let twice = queries.iter().find(|trap| trap.name == "`pin` is given twice").unwrap();
/// assert_eq!(twice.text, "badge=${badge}&pin=${pin}&pin=${pin}");
/// ```
pub fn parameter(parameters: &[(&str, &str)], name: &str) -> Vec<Trap<String>> {
    let (others, good) = (query(&without(parameters, name)), value(parameters, name));
    let (all, encoded) = (query(parameters), format!("%{:02X}{}", name.as_bytes()[0], &name[1..]));
    vec![
        trap(format!("`{name}` is missing"), &*others),
        trap(format!("`{name}` is empty"), format!("{others}&{name}=")),
        trap(format!("`{name}` has no equals sign"), format!("{others}&{name}")),
        trap(format!("`{name}` in another case"), format!("{others}&{}={good}", swapped(name))),
        trap(format!("`{name}` is given twice"), format!("{all}&{name}={good}")),
        trap(format!("`{name}` is given twice, first a wrong one"), format!("{name}=wrong&{all}")),
        trap(format!("`{name}` is given twice, then empty"), format!("{all}&{name}=")),
        trap(format!("`{name}` is given twice, one name encoded"), format!("{all}&{encoded}={good}")),
        trap(format!("`{name}` as the member of an array"), format!("{others}&{name}[]={good}")),
        trap(format!("bytes that are not UTF-8 after `{name}`"), format!("{others}&{name}={good}%ff")),
        trap(format!("a NUL after `{name}`"), format!("{others}&{name}={good}%00")),
        trap(format!("`{name}` is encoded twice"), format!("{others}&{name}={}", filtered(good, "twice"))),
    ]
}

/// The name with its case swapped.
fn swapped(name: &str) -> String {
    name.chars()
        .map(|letter| if letter.is_lowercase() { letter.to_ascii_uppercase() } else { letter.to_ascii_lowercase() })
        .collect()
}

/// The same parameters as a good query, written in another way.
///
/// ```
/// use tower_verify::conformance::traps;
///
/// let queries = traps::query_variations(&[("badge", "${badge}")]);
/// assert!(queries.iter().any(|trap| trap.text == "%62%61%64%67%65=${badge}"));
/// ```
pub fn query_variations(parameters: &[(&str, &str)]) -> Vec<Trap<String>> {
    let reversed: Vec<_> = parameters.iter().rev().copied().collect();
    let named = |name: &str| name.bytes().map(|byte| format!("%{byte:02x}")).collect::<String>();
    let encoded: Vec<_> = parameters.iter().map(|(name, value)| format!("{}={value}", named(name))).collect();
    let all: Vec<_> = parameters.iter().map(|(name, value)| format!("{name}={}", filtered(value, "all"))).collect();
    vec![
        trap("parameters in another order", query(&reversed)),
        trap("unknown parameters, one of them twice", format!("x=1&{}&x=2&y", query(parameters))),
        trap("names that are encoded", encoded.join("&")),
        trap("values that are encoded whole", all.join("&")),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire;

    const PARAMETERS: &[(&str, &str)] = &[("token", "b1f0"), ("userNo", "45186")];

    fn read(query: &str) -> Option<(String, String)> {
        let [token, user_no] = wire::query::parameters(query, &["token", "userNo"]).ok()?;
        Some((token?.into_owned(), user_no?.into_owned()))
    }

    #[test]
    fn no_bad_query_has_the_good_parameters() {
        let encoded_twice = |trap: &Trap<String>| trap.text.contains("|twice");
        let parameters = parameter(&[("token", "${token}"), ("userNo", "45186")], "token");
        assert_eq!(parameters.iter().filter(|trap| encoded_twice(trap)).count(), 1);
        let mut others = parameter(PARAMETERS, "token");
        others.retain(|trap| !trap.name.ends_with("encoded twice"));
        for trap in queries(PARAMETERS).into_iter().chain(others) {
            assert_ne!(read(&trap.text), read(&query(PARAMETERS)), "{}", trap.name);
        }
    }

    #[test]
    fn each_variation_has_the_good_parameters() {
        for trap in query_variations(PARAMETERS) {
            assert_eq!(read(&trap.text), read(&query(PARAMETERS)), "{}", trap.name);
        }
    }
}
