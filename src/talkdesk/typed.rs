use std::{borrow::Cow, fmt};

use serde::{
    Deserializer,
    de::{self, DeserializeOwned, DeserializeSeed, IntoDeserializer, MapAccess, Visitor},
    forward_to_deserialize_any,
};

use super::{
    AuthVerdict, Credentials, FieldValue,
    decode::{sealed::FromCredentials, wrong_field},
};
use crate::{Credential, Rejection};

/// `auth`, decoded into a type of yours that implements serde's `Deserialize`.
///
/// Declare credentials as [`Secret`](crate::Secret). The type is read from the same fields as [`Credentials`]: each is
/// given once, and is a string, an integer or a boolean. A request that does not match the type is malformed. The
/// response names the field, but leaves out the message of the type's own error, which can repeat a value. `Debug`
/// shows no field.
///
/// ```
/// use http::Request;
/// use http_body_util::BodyExt;
/// use serde::Deserialize;
/// use tower::ServiceExt;
/// use tower_verify::{
///     BoxError, Secret, VerifyLayer,
///     talkdesk::{Auth, AuthVerdict, Parameters, Validator},
///     verifier_fn,
/// };
///
/// #[derive(Deserialize)]
/// struct Login {
///     username: Secret,
///     password: Secret,
///     region: Option<String>,
/// }
///
/// # futures::executor::block_on(async {
/// let verifier = verifier_fn(|request: Request<Auth<Login>>| async move {
///     let Auth(login) = request.into_body();
///     if login.username != "john@example.com" || login.password != "605b32dd" {
///         return Ok::<_, BoxError>(AuthVerdict::Denied);
///     }
///     let region = login.region.unwrap_or_else(|| String::from("eu"));
///     Ok(AuthVerdict::Granted(Parameters::new().with("region", region)))
/// });
/// let endpoint = VerifyLayer::new(Validator::typed::<Login>(), verifier).into_service();
///
/// let body = r#"{"auth": {"username": "john@example.com", "password": "605b32dd"}}"#;
/// let response = endpoint.clone().oneshot(Request::post("/auth").body(body.to_owned())?).await?;
/// assert_eq!(response.into_body().collect().await?.to_bytes(), r#"{"region":"eu"}"#);
///
/// let body = r#"{"auth": {"username": "john@example.com"}}"#; // no `password`
/// let response = endpoint.oneshot(Request::post("/auth").body(body.to_owned())?).await?;
/// assert_eq!(response.status(), 400);
/// # Ok::<(), BoxError>(()) }).unwrap();
/// ```
#[derive(Clone)]
pub struct Auth<T>(pub T);

impl<T: Send + 'static> Credential for Auth<T> {
    type Verdict = AuthVerdict;
}

impl<T> fmt::Debug for Auth<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Auth([redacted])")
    }
}

impl<T: DeserializeOwned + Send + 'static> FromCredentials for Auth<T> {
    fn from_credentials(credentials: Credentials) -> Result<Self, Rejection> {
        T::deserialize(CredentialsDeserializer(&credentials)).map(Self).map_err(Mismatch::into_rejection)
    }
}

/// Why `auth` does not match a type. It keeps no message of the type's: that could repeat a value.
#[derive(Debug)]
struct Mismatch {
    name: Option<Cow<'static, str>>,
    what: &'static str,
}

impl Mismatch {
    /// The same mismatch, in the field `name`. A name that is already set comes from the field's value, and is dropped.
    fn in_field(self, name: &str) -> Self {
        Self { name: Some(name.to_owned().into()), ..self }
    }

    fn into_rejection(self) -> Rejection {
        match self.name {
            Some(name) => wrong_field(&name, self.what),
            None => Rejection::malformed("`auth` does not have the fields that are asked for"),
        }
    }
}

impl de::Error for Mismatch {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self { name: None, what: "has a value that is not accepted" }
    }

    fn invalid_type(_: de::Unexpected<'_>, _: &dyn de::Expected) -> Self {
        Self { name: None, what: "has the wrong type" }
    }

    fn missing_field(field: &'static str) -> Self {
        Self { name: Some(field.into()), what: "is missing" }
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self { name: Some(field.into()), what: "is given more than once" }
    }

    fn unknown_field(field: &str, _: &'static [&'static str]) -> Self {
        Self { name: Some(field.to_owned().into()), what: "is not known" }
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.what)
    }
}

impl std::error::Error for Mismatch {}

struct CredentialsDeserializer<'a>(&'a Credentials);

impl<'de> Deserializer<'de> for CredentialsDeserializer<'_> {
    type Error = Mismatch;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        visitor.visit_map(Entries { rest: self.0.iter(), value: None })
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Mismatch> {
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map struct enum identifier ignored_any
    }
}

struct Entries<'a, I> {
    rest: I,
    value: Option<(&'a str, &'a FieldValue)>,
}

impl<'de, 'a, I: ExactSizeIterator<Item = (&'a str, &'a FieldValue)>> MapAccess<'de> for Entries<'a, I> {
    type Error = Mismatch;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Mismatch> {
        self.value = self.rest.next();
        self.value.map(|(name, _)| seed.deserialize(name.into_deserializer())).transpose()
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Mismatch> {
        let (name, value) = self
            .value
            .take()
            .ok_or_else(|| de::Error::custom("`next_value_seed` was called before `next_key_seed`"))?;
        seed.deserialize(FieldDeserializer(value)).map_err(|mismatch| mismatch.in_field(name))
    }
}

struct FieldDeserializer<'a>(&'a FieldValue);

impl<'de> Deserializer<'de> for FieldDeserializer<'_> {
    type Error = Mismatch;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        match self.0 {
            FieldValue::Text(text) => visitor.visit_str(text.expose_secret()),
            FieldValue::Integer(integer) => visitor.visit_i64(*integer),
            FieldValue::Boolean(boolean) => visitor.visit_bool(*boolean),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Mismatch> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Mismatch> {
        match self.0 {
            FieldValue::Text(text) => visitor.visit_enum(text.expose_secret().into_deserializer()),
            FieldValue::Integer(_) | FieldValue::Boolean(_) => self.deserialize_any(visitor),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map struct identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, net::Ipv4Addr};

    use serde::Deserialize;

    use super::*;
    use crate::Secret;

    #[derive(Deserialize, Debug, PartialEq)]
    #[serde(rename_all = "lowercase")]
    enum Region {
        Eu,
        Us,
    }

    #[derive(Deserialize)]
    struct LoginId(u32);

    #[derive(Deserialize)]
    struct Login {
        username: Secret,
        login_id: LoginId,
        #[serde(default)]
        trial: bool,
        token: Option<Secret>,
        #[serde(default, alias = "area")]
        region: Option<Region>,
        host: Option<Ipv4Addr>,
    }

    fn complete() -> Credentials {
        Credentials::new().with("username", "john").with("login_id", 12)
    }

    fn decode<T: DeserializeOwned + Send + 'static>(credentials: Credentials) -> Result<T, String> {
        let decoded = Auth::<T>::from_credentials(credentials);
        decoded.map(|auth| auth.0).map_err(|rejection| rejection.detail().to_owned())
    }

    fn reason(credentials: Credentials) -> String {
        decode::<Login>(credentials).map(|_| ()).unwrap_err()
    }

    #[test]
    fn options_newtypes_defaults_and_enums_work() {
        let login: Login = decode(complete()).unwrap();
        assert_eq!((login.username, login.login_id.0, login.trial), ("john".into(), 12, false));
        assert!(login.token.is_none() && login.region.is_none() && login.host.is_none());

        let more = complete().with("trial", true).with("token", "t").with("area", "eu").with("host", "127.0.0.1");
        let login: Login = decode(more.with("unknown", 1)).unwrap();
        assert_eq!((login.token, login.region), (Some("t".into()), Some(Region::Eu)));
        assert_eq!((login.host, login.trial), (Some(Ipv4Addr::LOCALHOST), true));
    }

    #[test]
    fn a_mismatch_names_the_field_and_never_the_value() {
        for (credentials, detail) in [
            (Credentials::new().with("username", "john"), "`login_id` in `auth` is missing"),
            (Credentials::new(), "`username` in `auth` is missing"),
            (complete().with("login_id", "605b32dd"), "`login_id` in `auth` has the wrong type"),
            (complete().with("login_id", -60532), "`login_id` in `auth` has a value that is not accepted"),
            (complete().with("username", 60532), "`username` in `auth` has the wrong type"),
            (complete().with("token", true), "`token` in `auth` has the wrong type"),
            (complete().with("trial", "605b32dd"), "`trial` in `auth` has the wrong type"),
            (complete().with("region", "605b32dd"), "`region` in `auth` has a value that is not accepted"),
            (complete().with("region", 60532), "`region` in `auth` has the wrong type"),
            (complete().with("host", "605b32dd"), "`host` in `auth` has a value that is not accepted"),
            (complete().with("region", "eu").with("area", "us"), "`region` in `auth` is given more than once"),
        ] {
            assert_eq!(reason(credentials), detail);
        }
    }

    #[test]
    fn flattened_and_strict_types_never_repeat_a_value() {
        #[derive(Deserialize, Debug)]
        #[serde(deny_unknown_fields)]
        struct Strict {
            #[serde(rename = "pin")]
            _pin: i64,
        }
        let error = decode::<Strict>(Credentials::new().with("pin", 1).with("extra", "605b32dd")).unwrap_err();
        assert_eq!(error, "`extra` in `auth` is not known");

        #[derive(Deserialize, Debug)]
        struct Flat {
            #[serde(flatten)]
            _strict: Inner,
        }
        #[derive(Deserialize, Debug)]
        struct Inner {
            #[serde(rename = "pin")]
            _pin: i64,
        }
        let error = decode::<Flat>(Credentials::new().with("pin", "605b32dd")).unwrap_err();
        assert_eq!(error, "`auth` does not have the fields that are asked for");
        assert!(decode::<Flat>(Credentials::new().with("pin", 60532)).is_ok());

        #[derive(Deserialize, Debug)]
        #[serde(field_identifier)]
        enum Identifier {
            Pin,
        }
        let error = decode::<BTreeMap<String, Identifier>>(Credentials::new().with("pin", "605b32dd")).unwrap_err();
        assert_eq!(error, "`pin` in `auth` is not known");
        let known = decode::<BTreeMap<String, Identifier>>(Credentials::new().with("pin", "Pin")).unwrap();
        assert!(matches!(known["pin"], Identifier::Pin));

        #[derive(Deserialize, Debug)]
        #[serde(untagged)]
        enum Either {
            Pin(#[allow(dead_code, reason = "the test only decodes it")] Inner),
        }
        assert!(matches!(decode(Credentials::new().with("pin", 60532)), Ok(Either::Pin(_))));
        let error = decode::<Either>(Credentials::new().with("pin", "605b32dd")).unwrap_err();
        assert_eq!(error, "`auth` does not have the fields that are asked for");
    }

    #[test]
    fn maps_and_options_work() {
        let map: BTreeMap<String, i64> = decode(Credentials::new().with("a", 1).with("b", 2)).unwrap();
        assert_eq!(map, BTreeMap::from([("a".to_owned(), 1), ("b".to_owned(), 2)]));
        assert!(decode::<Option<Login>>(complete()).unwrap().is_some());
        let error = decode::<String>(Credentials::new().with("605b32dd", 1)).unwrap_err();
        assert_eq!(error, "`auth` does not have the fields that are asked for");
    }

    #[test]
    fn debug_shows_no_field() {
        assert_eq!(format!("{:?}", Auth("605b32dd")), "Auth([redacted])");
    }
}
