//! Requests that a careless server takes for good ones, and good ones that it takes for bad.
//!
//! Each function is given the names of a good request's members or parameters, each with a [`Call`]'s
//! template of its value. A careless server is one whose parser keeps the last of two equal names, decodes with a
//! replacement character, or looks at the first good thing in the body.
//!
//! ```
//! use tower_verify::conformance::traps;
//!
//! let members = [("badge", "${badge}"), ("pin", "${pin}")];
//! assert_eq!(traps::object(&members), r#"{"badge":"${badge}","pin":"${pin}"}"#);
//! assert_eq!(traps::query(&members), "badge=${badge}&pin=${pin}");
//!
//! let twice = traps::member(&members, "pin").into_iter().find(|trap| trap.name == "`pin` is given twice").unwrap();
//! assert_eq!(twice.text, br#"{"badge":"${badge}","pin":"${pin}","pin":"${pin}"}"#);
//! ```

mod body;
mod query;

use http::Method;

use super::{Call, Check, Expected};

pub use self::{
    body::{bodies, member, object, object_variations},
    query::{parameter, queries, query, query_variations},
};

/// A request, or a part of one.
///
/// ```
/// use tower_verify::conformance::{Call, Check, Expected, traps};
///
/// let members = [("badge", "${badge}")];
/// let check = |trap: traps::Trap<Vec<u8>>| {
///     Check::new("LK-2", trap.name, Call::post("/unlock").body(trap.text), Expected::status(400))
/// };
/// let checks: Vec<Check> = traps::member(&members, "badge").into_iter().map(check).collect();
/// assert_eq!(checks[0].name(), "`badge` is missing");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Trap<T> {
    /// Its peculiarity, in a few words.
    pub name: String,
    /// The template of the body or the query.
    pub text: T,
}

/// Checks of the `row` that a server does not take other calls for the `good` one: the same with each of the `methods`, and
/// with a longer path.
///
/// ```
/// use http::Method;
/// use tower_verify::conformance::{Call, traps};
///
/// let checks = traps::elsewhere("LK-3", &Call::post("/unlock"), [Method::GET]);
/// let names: Vec<_> = checks.iter().map(|check| check.name()).collect();
/// assert_eq!(names, ["GET is not answered", "a longer path is not answered", "a path below is not answered"]);
/// ```
pub fn elsewhere(row: &str, good: &Call, methods: impl IntoIterator<Item = Method>) -> Vec<Check> {
    let method = |method: Method| (format!("{method} is not answered"), good.clone().method(method));
    let paths = [("a longer path is not answered", "x"), ("a path below is not answered", "/x")];
    let paths = paths.map(|(name, end)| (name.to_owned(), good.clone().longer_path(end)));
    let calls = methods.into_iter().map(method).chain(paths);
    calls.map(|(name, call)| Check::new(row, name, call, Expected::not_admitted())).collect()
}

/// Checks of the `row` with large bodies of the `good` call: one of 64 KiB, which is `taken` or `refused`, one at the
/// server's limit and one over it. They need the suite's value `body_limit`, the limit in bytes, but for the first.
///
/// ```
/// use tower_verify::conformance::{Call, Expected, Suite, traps};
///
/// let good = Call::post("/unlock").body(r#"{"badge":"${badge}"}"#);
/// let checks = traps::sizes("LK-4", &good, &Expected::status(200).admits(), &Expected::status(413));
/// let names: Vec<_> = checks.iter().map(|check| check.name()).collect();
/// assert_eq!(names, ["a body of 64 KiB", "a body at the limit", "a body over the limit"]);
/// let suite = Suite::new("lock", |_| true).value("badge", "4711").value("body_limit", "16384").checks(checks);
/// ```
pub fn sizes(row: &str, good: &Call, taken: &Expected, refused: &Expected) -> Vec<Check> {
    let large = good.clone().padded_to(64 * 1024);
    let over = |bytes| good.clone().padded_over_limit(bytes);
    vec![
        Check::new(row, "a body of 64 KiB", large, taken.clone().or(refused.clone())),
        Check::new(row, "a body at the limit", over(0), taken.clone()),
        Check::new(row, "a body over the limit", over(1), refused.clone()),
    ]
}

fn trap<T>(name: impl Into<String>, text: impl Into<T>) -> Trap<T> {
    Trap { name: name.into(), text: text.into() }
}

/// The members without the one called `name`.
fn without<'a>(members: &[(&'a str, &'a str)], name: &str) -> Vec<(&'a str, &'a str)> {
    members.iter().copied().filter(|(known, _)| *known != name).collect()
}

/// The template of the value of `name`.
fn value<'a>(members: &[(&str, &'a str)], name: &str) -> &'a str {
    members.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value)
}

/// The template with a filter in each of its values.
fn filtered(template: &str, filter: &str) -> String {
    template.replace('}', &format!("|{filter}}}"))
}
