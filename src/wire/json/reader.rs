use std::{borrow::Cow, fmt, marker::PhantomData};

use serde::de::{DeserializeSeed, IgnoredAny, Visitor};
use serde_json::{Deserializer, value::RawValue};

use super::{Text, Value};
use crate::{
    Rejection,
    wire::{names, scan},
};

/// The most members that are ignored: more than any contract will add. Each takes more time than its few bytes suggest.
pub(super) const MEMBERS_LIMIT: usize = 1024;

/// A place in the text of an object.
///
/// It reads what nearly all of a call is: names and strings without escapes, short integers, and the literals. Everything
/// else is serde_json's, which reads one value from here. An error has the position that serde_json would give it.
///
/// No method that is called out of line gets the reader itself, so that the compiler keeps it in registers.
pub(super) struct Reader<'a> {
    text: &'a str,
    at: usize,
    /// Whether no member of the object was read yet.
    first: bool,
    ignored: usize,
    /// The number of names with escapes, which take as long as several others.
    escaped: usize,
    /// Whether no name that is looked for has a character that JSON escapes. Only then a key is compared in its place.
    in_place: bool,
    /// The member that must be an object, besides the whole text.
    object: Option<&'static str>,
}

impl<'a> Reader<'a> {
    /// Enters the object `text` to look for `names`. The member `object` is an object, too.
    #[inline(always)]
    pub(super) fn open<const N: usize>(
        text: &'a str,
        names: &[&'static str; N],
        object: Option<&'static str>,
    ) -> Result<Self, Rejection> {
        let in_place = names::are_of(names, super::is_plain);
        let mut reader = Self { text, at: 0, first: true, ignored: 0, escaped: 0, in_place, object };
        reader.enter()?;
        Ok(reader)
    }

    /// Enters the object that is the value of the key that was read.
    #[inline(always)]
    pub(super) fn value_as_object(&mut self) -> Result<(), Rejection> {
        self.colon()?;
        self.first = true;
        self.enter()
    }

    /// The next key of the object, or `None` at its end.
    #[inline(always)]
    pub(super) fn key(&mut self) -> Result<Option<Cow<'a, str>>, Rejection> {
        if !self.is_at_key()? {
            return Ok(None);
        }
        match self.plain() {
            Some(key) => Ok(Some(Cow::Borrowed(key))),
            None => self.by_serde(PhantomData::<Text<'_>>).map(|Text(key)| Some(key)),
        }
    }

    /// The index in `names` of the next key, which is `None` for another key. At the end of the object there is none.
    ///
    /// The name at `likely` is compared first, in its place. A key with escapes is compared where serde_json has put it
    /// together, and not copied.
    #[inline(always)]
    pub(super) fn key_among(
        &mut self,
        names: &[&'static str],
        likely: usize,
    ) -> Result<Option<Option<usize>>, Rejection> {
        if !self.is_at_key()? {
            return Ok(None);
        }
        if let Some(name) = names.get(likely)
            && self.in_place
            && names::is_at(self.text.as_bytes(), self.at + 1, name, b'"')
        {
            self.at += name.len() + 2;
            return Ok(Some(Some(likely)));
        }
        match self.plain() {
            Some(key) => Ok(Some(names.iter().position(|name| *name == key))),
            None => {
                self.escaped += 1;
                self.by_serde(IndexOf(names)).map(Some)
            }
        }
    }

    /// Goes to the next key of the object. Returns whether there is one.
    #[inline(always)]
    fn is_at_key(&mut self) -> Result<bool, Rejection> {
        let first = std::mem::replace(&mut self.first, false);
        match self.peek() {
            Some(b',') if !first => {
                self.at += 1;
                if self.peek() == Some(b'"') {
                    return Ok(true);
                }
            }
            Some(b'"') if first => return Ok(true),
            Some(b'}') => {
                self.at += 1;
                return Ok(false);
            }
            _ => {}
        }
        Err(unexpected(self.text, self.at))
    }

    /// The value of the key that was read.
    #[inline(always)]
    pub(super) fn value(&mut self) -> Result<Value<'a>, Rejection> {
        self.colon()?;
        if let Some(text) = self.plain() {
            return Ok(Value::Text(Cow::Borrowed(text)));
        }
        match simple(self.text.as_bytes(), self.at) {
            Some((value, end)) => {
                self.at = end;
                Ok(value)
            }
            None => self.by_serde(PhantomData),
        }
    }

    /// Skips the value of the key that was read, within the bounds.
    #[inline(always)]
    pub(super) fn ignore(&mut self) -> Result<(), Rejection> {
        if self.ignored + self.escaped >= MEMBERS_LIMIT {
            return Err(too_many());
        }
        self.ignored += 1;
        self.colon()?;
        if self.plain().is_some() {
            return Ok(());
        }
        if let Some((_, end)) = simple(self.text.as_bytes(), self.at) {
            self.at = end;
            return Ok(());
        }
        if is_too_deep(self.by_serde(PhantomData::<&RawValue>)?.get()) {
            return Err(Rejection::malformed("the body is nested too deeply"));
        }
        Ok(())
    }

    /// Checks that nothing follows the object.
    #[inline(always)]
    pub(super) fn end(mut self) -> Result<(), Rejection> {
        if self.peek().is_none() { Ok(()) } else { Err(unexpected(self.text, self.at)) }
    }

    #[inline(always)]
    fn enter(&mut self) -> Result<(), Rejection> {
        if self.peek() == Some(b'{') {
            self.at += 1;
            return Ok(());
        }
        // This is an error in any case: it is not an object.
        self.by_serde(PhantomData::<serde_json::Map<String, serde_json::Value>>).map(drop)
    }

    #[inline(always)]
    fn colon(&mut self) -> Result<(), Rejection> {
        if self.peek() != Some(b':') {
            return Err(unexpected(self.text, self.at));
        }
        self.at += 1;
        self.peek();
        Ok(())
    }

    /// Skips white space, and returns the byte after it.
    #[inline(always)]
    fn peek(&mut self) -> Option<u8> {
        loop {
            match self.text.as_bytes().get(self.at) {
                Some(b' ' | b'\n' | b'\t' | b'\r') => self.at += 1,
                other => return other.copied(),
            }
        }
    }

    /// Reads the string that begins here, if it has no escapes.
    #[inline(always)]
    fn plain(&mut self) -> Option<&'a str> {
        let bytes = self.text.as_bytes();
        if bytes.get(self.at) != Some(&b'"') {
            return None;
        }
        let start = self.at + 1;
        let end = start + plain(&bytes[start..]);
        if bytes.get(end) != Some(&b'"') {
            return None;
        }
        self.at = end + 1;
        Some(&self.text[start..end])
    }

    /// Lets serde_json read the value that begins here.
    #[inline(always)]
    fn by_serde<S: DeserializeSeed<'a>>(&mut self, seed: S) -> Result<S::Value, Rejection> {
        let (value, end) = by_serde(self.text, self.at, self.object, seed)?;
        self.at = end;
        Ok(value)
    }
}

/// The number of bytes before the first one that is a quote, a backslash or a control character.
// Out of line, it has the registers that a long text needs.
#[inline(never)]
fn plain(bytes: &[u8]) -> usize {
    // The xor puts the quote in the place of the space, next to the control characters.
    scan::first(bytes, 0, |eight| eight.xor(b'"' ^ b' ').below(b' ' + 1) | eight.equal(b'\\'))
}

/// Lets serde_json read the value that begins at `at`. Returns the end of the value, too.
#[cold]
#[inline(never)]
fn by_serde<'a, S: DeserializeSeed<'a>>(
    text: &'a str,
    at: usize,
    object: Option<&'static str>,
    seed: S,
) -> Result<(S::Value, usize), Rejection> {
    let mut deserializer = Deserializer::from_str(&text[at..]);
    match seed.deserialize(&mut deserializer) {
        Ok(value) => Ok((value, at + deserializer.into_iter::<IgnoredAny>().byte_offset())),
        // serde_json's own message could repeat a value.
        Err(error) if error.is_data() => Err(Rejection::malformed(match object {
            None => Cow::Borrowed("the body is not a JSON object"),
            Some(name) => format!("the body must be a JSON object whose `{name}` is an object").into(),
        })),
        Err(error) => Err(not_json_at(text, at, error.line(), error.column())),
    }
}

/// The rejection of the byte at `at`.
#[cold]
#[inline(never)]
fn unexpected(text: &str, at: usize) -> Rejection {
    not_json_at(text, at, 1, usize::from(at < text.len()))
}

/// The rejection for an error at this line and column, both counted from `at`.
fn not_json_at(text: &str, at: usize, line: usize, column: usize) -> Rejection {
    let read = &text[..at];
    let last_line = read.rsplit('\n').next().map_or(0, str::len);
    let column = if line == 1 { last_line + column } else { column };
    not_json(line + read.matches('\n').count(), column)
}

/// Reads the literal or the integer of at most 18 digits that begins at `at`, and returns its end, too.
///
/// Other numbers, and anything that only begins like one of these, are left to serde_json.
#[inline(never)]
fn simple<'a>(bytes: &[u8], at: usize) -> Option<(Value<'a>, usize)> {
    let rest = bytes.get(at..)?;
    match rest {
        [b't', b'r', b'u', b'e', ..] => return Some((Value::Boolean(true), at + 4)),
        [b'f', b'a', b'l', b's', b'e', ..] => return Some((Value::Boolean(false), at + 5)),
        [b'n', b'u', b'l', b'l', ..] => return Some((Value::Null, at + 4)),
        _ => {}
    }
    let (negative, digits) = rest.strip_prefix(b"-").map_or((false, rest), |digits| (true, digits));
    let mut integer = 0;
    let mut length = 0;
    while let Some(digit @ b'0'..=b'9') = digits.get(length) {
        if length == 18 {
            return None;
        }
        integer = 10 * integer + i64::from(digit - b'0');
        length += 1;
    }
    let leading_zero = digits.first() == Some(&b'0') && (length > 1 || negative);
    if length == 0 || leading_zero || matches!(digits.get(length), Some(b'.' | b'e' | b'E')) {
        return None;
    }
    let integer = if negative { -integer } else { integer };
    Some((Value::Integer(integer), at + usize::from(negative) + length))
}

/// Finds the index of a string in these names.
struct IndexOf<'n>(&'n [&'static str]);

impl<'de> DeserializeSeed<'de> for IndexOf<'_> {
    type Value = Option<usize>;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for IndexOf<'_> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        Ok(self.0.iter().position(|name| *name == key))
    }
}

/// The rejection of a body with more than [`MEMBERS_LIMIT`] members that matter to nobody.
pub(super) fn too_many() -> Rejection {
    Rejection::malformed("the body has too many members")
}

/// The rejection of a body that is not JSON.
pub(super) fn not_json(line: usize, column: usize) -> Rejection {
    Rejection::malformed(format!("the body is not valid JSON (line {line}, column {column})"))
}

/// Whether `json`, the value of a member, is nested deeper than serde_json's limit for values that it reads.
pub(super) fn is_too_deep(json: &str) -> bool {
    const DEPTH_LIMIT: usize = 128;

    if !json.starts_with(['[', '{']) || json.len() < 2 * DEPTH_LIMIT {
        return false;
    }
    // Most values have fewer brackets than levels are allowed, and counting is quicker than following them.
    if json.bytes().filter(|byte| matches!(byte, b'[' | b'{')).count() < DEPTH_LIMIT {
        return false;
    }
    let mut depth = 1;
    let mut bytes = json.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'[' | b'{' if depth == DEPTH_LIMIT => return true,
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth -= 1,
            b'"' => {
                while let Some(byte) = bytes.next()
                    && byte != b'"'
                {
                    if byte == b'\\' {
                        bytes.next();
                    }
                }
            }
            _ => {}
        }
    }
    false
}
