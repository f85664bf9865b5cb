//! The description that an author gives of an endpoint.

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use http::{
    HeaderName, HeaderValue, Method, Request,
    header::{AUTHORIZATION, CONTENT_TYPE},
};
use serde_json::Value;

use super::body::SampleBody;
use crate::{Contract, Credential, Verdict};

/// A contract that describes its requests and answers, for an [`OpenApi`](super::OpenApi) document.
///
/// ```
/// use http::{Method, Request, Response, StatusCode, request::Parts};
/// use serde_json::json;
/// use tower_verify::{
///     BoxError, Contract, Credential, Endpoint, Outcome, Rejection, Route, Secret, VerifyLayer,
///     openapi::{Described, Description, OpenApi},
///     verifier_fn, wire::response,
/// };
///
/// struct Badge(Secret);
///
/// impl Credential for Badge {
///     type Verdict = bool;
/// }
///
/// struct Turnstile;
///
/// impl Contract for Turnstile {
///     type Credential = Badge;
///     type Context = ();
///     const NAME: &'static str = "turnstile";
///
///     fn decode(&self, head: &mut Parts, _body: bytes::Bytes, (): &mut ()) -> Result<Badge, Rejection> {
///         let badge = head.headers.remove("badge").ok_or(Rejection::no_credential("there is no badge"))?;
///         let badge = badge.to_str().map_err(|_| Rejection::malformed("the badge is not text"))?;
///         Ok(Badge(badge.into()))
///     }
///
///     fn refused(&self, _outcome: Outcome<bool>, (): ()) -> Response<bytes::Bytes> {
///         response::empty(StatusCode::FORBIDDEN)
///     }
/// }
///
/// impl Endpoint for Turnstile {
///     fn route(&self) -> Route {
///         Route::from_static(Method::POST, "/badge")
///     }
///
///     fn admitted(&self, _verdict: bool, (): ()) -> Response<bytes::Bytes> {
///         response::empty(StatusCode::NO_CONTENT)
///     }
/// }
///
/// impl Described for Turnstile {
///     fn describe(&self) -> Description<bool> {
///         Description::new("Doors", "May this badge pass?")
///             .header("Badge", json!({"type": "string", "description": "the number on the badge"}), "4711")
///             .verdicts([true, false])
///     }
/// }
///
/// let badges = verifier_fn(|_: Request<Badge>| async { Ok::<_, BoxError>(false) }); // ask your database
/// let document = OpenApi::new("Doors", "1.0.0").endpoint(&VerifyLayer::new(Turnstile, badges))?.into_json();
/// let responses = document["paths"]["/badge"]["post"]["responses"].as_object().unwrap();
/// assert_eq!(responses.keys().collect::<Vec<_>>(), ["204", "403"]);
/// # Ok::<(), BoxError>(())
/// ```
pub trait Described: Contract {
    /// Describes the requests and the answers. It is called when a document is made.
    fn describe(&self) -> Description<<Self::Credential as Credential>::Verdict>;
}

/// The description that an author gives of an endpoint: see [`Described`].
///
/// Schemas are JSON Schemas of draft 2020-12. A sample is what a good request has; from all samples together the
/// document makes the requests that it asks the endpoint about. A sample body that the endpoint refuses, as one that
/// decodes into a type of yours may, is left out of the document.
#[must_use]
#[derive(Debug)]
pub struct Description<V> {
    pub(super) tag: &'static str,
    pub(super) summary: &'static str,
    pub(super) text: &'static str,
    pub(super) parameters: Vec<Parameter>,
    pub(super) schemes: Vec<Scheme>,
    pub(super) body: Option<SampleBody>,
    pub(super) verdicts: Vec<V>,
    pub(super) answers: Option<[Value; 2]>,
}

/// A parameter of the query or of the headers.
#[derive(Debug)]
pub(super) struct Parameter {
    pub(super) place: &'static str,
    pub(super) name: &'static str,
    pub(super) required: bool,
    pub(super) schema: Value,
    pub(super) sample: &'static str,
}

/// A credential in a header.
#[derive(Debug)]
pub(super) struct Scheme {
    pub(super) name: &'static str,
    pub(super) kind: SchemeKind,
    pub(super) text: &'static str,
    /// The value of the header.
    sample: String,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum SchemeKind {
    /// In a header of its own.
    Key(&'static str),
    Bearer,
    Basic,
}

/// The part that a request for an answer lacks.
#[derive(Debug, Clone, Copy)]
pub(super) enum Without<'a> {
    Nothing,
    Parameter(&'a str),
    Scheme(&'a str),
    Body,
    Member(&'a str),
}

impl<V: Verdict> Description<V> {
    /// A description with the platform, which groups operations, and one line that says what is asked.
    pub fn new(tag: &'static str, summary: &'static str) -> Self {
        Self {
            tag,
            summary,
            text: "",
            parameters: Vec::new(),
            schemes: Vec::new(),
            body: None,
            verdicts: Vec::new(),
            answers: None,
        }
    }

    /// A longer text, in CommonMark. The default is none.
    pub fn text(self, text: &'static str) -> Self {
        Self { text, ..self }
    }

    /// A required parameter of the query, with a sample as it stands there, percent-encoded if need be.
    pub fn query(self, name: &'static str, schema: Value, sample: &'static str) -> Self {
        self.parameter("query", name, true, schema, sample)
    }

    /// A required header. `Authorization` is a [`bearer`](Self::bearer) token, or a [`basic`](Self::basic) credential.
    pub fn header(self, name: &'static str, schema: Value, sample: &'static str) -> Self {
        self.parameter("header", name, true, schema, sample)
    }

    /// A header that callers may leave out, or that every client sends by itself.
    pub fn optional_header(self, name: &'static str, schema: Value, sample: &'static str) -> Self {
        self.parameter("header", name, false, schema, sample)
    }

    fn parameter(
        mut self,
        place: &'static str,
        name: &'static str,
        required: bool,
        schema: Value,
        sample: &'static str,
    ) -> Self {
        self.parameters.push(Parameter { place, name, required, schema, sample });
        self
    }

    /// A required key in a header of its own, which is a security scheme of the header's name.
    pub fn key(self, header: &'static str, text: &'static str, sample: &'static str) -> Self {
        self.scheme(header, SchemeKind::Key(header), text, sample.to_owned())
    }

    /// A required bearer token in `Authorization` (RFC 6750), which is a security scheme of this name.
    pub fn bearer(self, name: &'static str, text: &'static str, sample: &'static str) -> Self {
        self.scheme(name, SchemeKind::Bearer, text, format!("Bearer {sample}"))
    }

    /// A required user name and password in `Authorization` (RFC 7617), which are a security scheme of this name.
    ///
    /// It is for a credential that the endpoint reads. The secret of a caller is in the document by itself.
    pub fn basic(self, name: &'static str, text: &'static str, (user, password): (&str, &str)) -> Self {
        let sample = format!("Basic {}", BASE64_STANDARD.encode(format!("{user}:{password}")));
        self.scheme(name, SchemeKind::Basic, text, sample)
    }

    fn scheme(mut self, name: &'static str, kind: SchemeKind, text: &'static str, sample: String) -> Self {
        self.schemes.push(Scheme { name, kind, text, sample });
        self
    }

    /// A required body in JSON.
    pub fn json_body(mut self, schema: Value, sample: Value) -> Self {
        self.body = Some(SampleBody { is_form: false, schema, sample });
        self
    }

    /// A required form as the body: `application/x-www-form-urlencoded`.
    ///
    /// The schema and the sample are objects whose members are the form's parameters. The values of the sample are strings,
    /// numbers and booleans.
    pub fn form_body(mut self, schema: Value, sample: Value) -> Self {
        self.body = Some(SampleBody { is_form: true, schema, sample });
        self
    }

    /// All verdicts, with sample values. The default is none.
    pub fn verdicts(mut self, verdicts: impl IntoIterator<Item = V>) -> Self {
        self.verdicts = verdicts.into_iter().collect();
        self
    }

    /// The schemas of the body of an answer to a positive verdict, and to everything else.
    ///
    /// The default is that the endpoint has no other bodies than those that it answered when the document was made.
    pub fn answers(mut self, admitted: Value, refused: Value) -> Self {
        self.answers = Some([admitted, refused]);
        self
    }
}

impl<V> Description<V> {
    /// A good request that lacks something, or `None` if a sample cannot be in a request.
    pub(super) fn request(&self, method: &Method, path: &str, without: Without<'_>) -> Option<Request<Bytes>> {
        let lacks = |name: &str| matches!(without, Without::Parameter(lacking) if lacking == name);
        let sent = |place| self.parameters.iter().filter(move |one| one.place == place && !lacks(one.name));
        let query: Vec<String> = sent("query").map(|one| format!("{}={}", one.name, one.sample)).collect();
        let uri = if query.is_empty() { path.to_owned() } else { format!("{path}?{}", query.join("&")) };
        let mut request = Request::builder().method(method).uri(uri);
        for Parameter { name, sample, .. } in sent("header") {
            request = request.header(*name, *sample);
        }
        for Scheme { name, kind, sample, .. } in &self.schemes {
            if matches!(without, Without::Scheme(lacking) if lacking == *name) {
                continue;
            }
            let header = match kind {
                SchemeKind::Key(header) => HeaderName::try_from(*header).ok()?,
                SchemeKind::Bearer | SchemeKind::Basic => AUTHORIZATION,
            };
            request = request.header(header, HeaderValue::try_from(sample).ok()?);
        }
        let mut bytes = Bytes::new();
        if let Some(body) = &self.body {
            request = request.header(CONTENT_TYPE, body.media_type());
            if !matches!(without, Without::Body) {
                bytes = body.encoded(without)?;
            }
        }
        request.body(bytes).ok()
    }

    /// Everything that a request can lack.
    pub(super) fn lacking(&self) -> Vec<Without<'_>> {
        let mut lacking: Vec<_> = self.schemes.iter().map(|scheme| Without::Scheme(scheme.name)).collect();
        lacking.extend(self.parameters.iter().map(|parameter| Without::Parameter(parameter.name)));
        if let Some(body) = &self.body {
            lacking.push(Without::Body);
            let required = body.schema["required"].as_array().into_iter().flatten();
            lacking.extend(required.filter_map(Value::as_str).map(Without::Member));
        }
        lacking
    }
}
