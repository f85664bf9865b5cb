//! The document.

use http::Method;
use serde_json::{Map, Value, json};

use super::{
    answers::{self, Answers},
    description::{Described, Description, SchemeKind, Without},
};
use crate::{
    ConfigError, Contract, Credential, Endpoint, GuardContract, GuardLayer, Outcome, VerifyLayer,
    layer::described::{Mounted, VerdictOf},
};

/// The methods that an operation can have.
const METHODS: [Method; 8] = [
    Method::GET,
    Method::PUT,
    Method::POST,
    Method::DELETE,
    Method::OPTIONS,
    Method::HEAD,
    Method::PATCH,
    Method::TRACE,
];

/// An OpenAPI 3.1 document of mounted endpoints: see [the module](crate::openapi).
///
/// Its only server is `/`, the one that serves the document. Change that, or add operations of your own, in the JSON
/// that [`into_json`](Self::into_json) returns.
///
#[cfg_attr(feature = "talkdesk", doc = "```")]
#[cfg_attr(not(feature = "talkdesk"), doc = "```ignore")]
/// use http::{Method, Request};
/// use serde_json::json;
/// use tower_verify::{
///     BoxError, GuardLayer, VerifyLayer,
///     openapi::OpenApi,
///     talkdesk::{AuthVerdict, Call, CallVerdict, Credentials, LaterCalls, Validator},
///     verifier_fn,
/// };
///
/// let users = verifier_fn(|_: Request<Credentials>| async { Ok::<_, BoxError>(AuthVerdict::Denied) });
/// let logins = verifier_fn(|_: Request<Call<i64>>| async { Ok::<_, BoxError>(CallVerdict::Denied) });
/// let validator = VerifyLayer::new(Validator::new(), users).path("/talkdesk/auth")?;
/// let guard = GuardLayer::new(LaterCalls::new(), logins);
///
/// let contacts = json!({"responses": {"200": {"description": "The contacts."}}});
/// let document = OpenApi::new("A bridge", "1.0.0")
///     .endpoint(&validator)?
///     .guarded(&guard, Method::POST, "/talkdesk/contacts", contacts)?
///     .into_json();
/// let paths = document["paths"].as_object().unwrap();
/// assert_eq!(paths.keys().collect::<Vec<_>>(), ["/talkdesk/auth", "/talkdesk/contacts"]);
/// let statuses = paths["/talkdesk/contacts"]["post"]["responses"].as_object().unwrap();
/// assert_eq!(statuses.keys().collect::<Vec<_>>(), ["200", "401", "413", "503"]);
/// # Ok::<(), BoxError>(())
/// ```
#[must_use]
#[derive(Debug, Clone)]
pub struct OpenApi {
    title: String,
    version: String,
    paths: Map<String, Value>,
    schemes: Map<String, Value>,
    tags: Vec<Value>,
    ids: Vec<String>,
}

impl OpenApi {
    /// A document without operations, with the title and the version of your API.
    pub fn new(title: impl Into<String>, version: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            version: version.into(),
            paths: Map::new(),
            schemes: Map::new(),
            tags: Vec::new(),
            ids: Vec::new(),
        }
    }

    /// Adds an endpoint as it is mounted. Call it when the layer has all its settings.
    ///
    /// # Errors
    /// If the route is not one exact path and at least one method, or is in the document already; or if a sample of the
    /// endpoint's description cannot be in a request.
    pub fn endpoint<E, V>(mut self, layer: &VerifyLayer<E, V>) -> Result<Self, ConfigError>
    where
        E: Endpoint + Described,
    {
        let mounted = layer.mounted();
        let no_path = || {
            let route = mounted.route;
            ConfigError::new(format!("{} has no exact path and method to describe: {route:?}", E::NAME))
        };
        let path = mounted.route.exact_path().ok_or_else(no_path)?;
        let methods: Vec<&Method> = METHODS.iter().filter(|method| mounted.route.allowed().contains(method)).collect();
        if methods.is_empty() {
            return Err(no_path());
        }
        for method in methods {
            self.answered(&mounted, method, path, mounted.contract.describe())?;
        }
        Ok(self)
    }

    /// Adds one call of an endpoint, with its own description: for an endpoint that answers several paths, or that reads
    /// a query by one method and a form by another.
    ///
    /// ```
    /// use http::{Method, Request, Response, StatusCode, request::Parts};
    /// use serde_json::json;
    /// use tower_verify::{
    ///     BoxError, Contract, Credential, Endpoint, Outcome, Rejection, Route, Secret, VerifyLayer,
    ///     openapi::{Description, OpenApi},
    ///     verifier_fn, wire,
    /// };
    ///
    /// struct Key(Secret);
    ///
    /// impl Credential for Key {
    ///     type Verdict = bool;
    /// }
    ///
    /// struct Doors;
    ///
    /// impl Contract for Doors {
    ///     type Credential = Key;
    ///     type Context = ();
    ///     const NAME: &'static str = "doors";
    ///
    ///     fn decode(&self, _: &mut Parts, body: bytes::Bytes, (): &mut ()) -> Result<Key, Rejection> {
    ///         let [key] = wire::query::secrets(&wire::text(body)?, &["key"])?;
    ///         key.map(Key).ok_or(Rejection::malformed("`key` is missing"))
    ///     }
    ///
    ///     fn refused(&self, _: Outcome<bool>, (): ()) -> Response<bytes::Bytes> {
    ///         wire::response::text(StatusCode::OK, "shut")
    ///     }
    /// }
    ///
    /// impl Endpoint for Doors {
    ///     fn route(&self) -> Route {
    ///         Route::prefix("/doors/").expect("a path").methods([Method::POST])
    ///     }
    ///
    ///     fn admitted(&self, _: bool, (): ()) -> Response<bytes::Bytes> {
    ///         wire::response::text(StatusCode::OK, "open")
    ///     }
    /// }
    ///
    /// let keys = verifier_fn(|_: Request<Key>| async { Ok::<_, BoxError>(false) }); // ask your database
    /// let doors = VerifyLayer::new(Doors, keys);
    /// let schema = json!({"type": "object", "properties": {"key": {"type": "string"}}, "required": ["key"]});
    /// let front = Description::new("Doors", "Does this key open the front door?")
    ///     .form_body(schema, json!({"key": "605b32dd"}))
    ///     .verdicts([true, false]);
    /// let document = OpenApi::new("Doors", "1.0.0").call(&doors, &Method::POST, "/doors/front", front)?.into_json();
    /// let content = &document["paths"]["/doors/front"]["post"]["requestBody"]["content"];
    /// assert_eq!(content["application/x-www-form-urlencoded"]["example"], json!({"key": "605b32dd"}));
    /// # Ok::<(), BoxError>(())
    /// ```
    ///
    /// # Errors
    /// If the endpoint does not answer such a call, if the call is in the document already, or if a sample of the
    /// description cannot be in a request.
    pub fn call<E: Endpoint, V>(
        mut self,
        layer: &VerifyLayer<E, V>,
        method: &Method,
        path: &str,
        description: Description<<E::Credential as Credential>::Verdict>,
    ) -> Result<Self, ConfigError> {
        let mounted = layer.mounted();
        let good = description.request(method, path, Without::Nothing);
        if good.is_some_and(|good| !mounted.route.matches(&good)) {
            return Err(ConfigError::new(format!("{} does not answer {method} {path}: see its route", E::NAME)));
        }
        self.answered(&mounted, method, path, description)?;
        Ok(self)
    }

    fn answered<E: Endpoint>(
        &mut self,
        mounted: &Mounted<'_, E>,
        method: &Method,
        path: &str,
        mut description: Description<VerdictOf<E>>,
    ) -> Result<(), ConfigError> {
        let respond = |outcome: Outcome<_>, context| Some(outcome.respond(mounted.contract, context));
        let answers = answers::ask(mounted, &mut description, (method, path), respond)?;
        let operation = self.operation(mounted, &description, &answers);
        self.add(method, path, E::NAME, operation)
    }

    /// Adds a route of your app that is behind a guard, once for each such route.
    ///
    /// `operation` is an Operation Object with what your route says of itself, such as its `responses`. Its members
    /// replace those of the guard's description, apart from `responses`: there the guard's refusals are added, and your
    /// own stay.
    ///
    /// If the document has the operation already, because an endpoint takes some requests of the same path, the
    /// responses with further statuses are added to it.
    ///
    /// # Errors
    /// If `operation` is no object, or if a sample of the guard's description cannot be in a request.
    pub fn guarded<C, V>(
        mut self,
        layer: &GuardLayer<C, V>,
        method: Method,
        path: &str,
        operation: Value,
    ) -> Result<Self, ConfigError>
    where
        C: GuardContract + Described,
    {
        let mounted = layer.mounted();
        let mut description = mounted.contract.describe();
        let respond = |outcome: Outcome<_>, context| {
            let refusal = outcome.into_admitted().err()?;
            Some(mounted.contract.refused(refusal, context))
        };
        let answers = answers::ask(&mounted, &mut description, (&method, path), respond)?;
        let mut whole = self.operation(&mounted, &description, &answers);
        let Value::Object(own) = operation else {
            return Err(ConfigError::new(format!("the operation of {path} must be a JSON object")));
        };
        for (name, member) in own {
            match (whole.get_mut(&name), member) {
                (Some(Value::Object(responses)), Value::Object(own)) if name == "responses" => responses.extend(own),
                (_, member) => drop(whole.insert(name, member)),
            }
        }
        let known = self.paths.get_mut(path).and_then(|item| item.get_mut(method.as_str().to_ascii_lowercase()));
        match (known.and_then(|operation| operation["responses"].as_object_mut()), whole.get_mut("responses")) {
            (Some(known), Some(Value::Object(further))) => {
                let further = std::mem::take(further).into_iter();
                known.extend(further.filter(|(status, _)| !known.contains_key(status)).collect::<Vec<_>>());
            }
            _ => self.add(&method, path, C::NAME, whole)?,
        }
        Ok(self)
    }

    /// The document, as the JSON to serve.
    pub fn into_json(self) -> Value {
        json!({
            "openapi": "3.1.0",
            "info": {"title": self.title, "version": self.version},
            "servers": [{"url": "/"}],
            "tags": self.tags,
            "paths": self.paths,
            "components": {"securitySchemes": self.schemes},
        })
    }

    fn operation<C: Contract>(
        &mut self,
        mounted: &Mounted<'_, C>,
        description: &Description<VerdictOf<C>>,
        answers: &Answers,
    ) -> Map<String, Value> {
        let Description { tag, summary, text, parameters, schemes, body, answers: schemas, .. } = description;
        let mut operation = Map::from_iter([
            ("tags".to_owned(), json!([tag])),
            ("summary".to_owned(), json!(summary)),
            ("responses".to_owned(), answers.responses(schemas.as_ref()).into()),
        ]);
        if !self.tags.iter().any(|known| known["name"] == *tag) {
            self.tags.push(json!({"name": tag}));
        }
        if !text.is_empty() {
            operation.insert("description".to_owned(), json!(text));
        }
        let parameters: Vec<Value> = parameters
            .iter()
            .map(|one| {
                let mut parameter =
                    json!({"name": one.name, "in": one.place, "required": one.required, "schema": one.schema});
                // A page that tries calls would send the sample of an optional one, too.
                if one.required {
                    parameter["example"] = json!(one.sample);
                }
                parameter
            })
            .collect();
        if !parameters.is_empty() {
            operation.insert("parameters".to_owned(), parameters.into());
        }
        if let Some(body) = body {
            let mut content = json!({body.media_type(): {"schema": body.schema}});
            if answers.takes_sample {
                content[body.media_type()]["example"] = body.sample.clone();
            }
            operation.insert("requestBody".to_owned(), json!({"required": true, "content": content}));
        }
        let mut security = Map::new();
        for scheme in schemes {
            let described = match scheme.kind {
                SchemeKind::Key(header) => key(header, scheme.text),
                SchemeKind::Bearer => http("bearer", scheme.text),
                SchemeKind::Basic => http("basic", scheme.text),
            };
            self.schemes.insert(scheme.name.to_owned(), described);
            security.insert(scheme.name.to_owned(), json!([]));
        }
        if let Some(secret) = mounted.caller_secret {
            let text = "A secret by which the caller proves who it is.";
            let (name, described) = match secret.http_scheme() {
                Some(scheme) => (format!("caller-{scheme}"), http(scheme, text)),
                None => (secret.header().to_string(), key(secret.header().as_str(), text)),
            };
            self.schemes.insert(name.clone(), described);
            security.insert(name, json!([]));
        }
        if !security.is_empty() {
            operation.insert("security".to_owned(), json!([security]));
        }
        operation
    }

    fn add(
        &mut self,
        method: &Method,
        path: &str,
        name: &str,
        mut operation: Map<String, Value>,
    ) -> Result<(), ConfigError> {
        let method = method.as_str().to_ascii_lowercase();
        // An id is given once: a second mount of the same endpoint has its path in it.
        let id = match self.ids.iter().any(|id| id == name) {
            true => format!("{name} {method} {path}"),
            false => name.to_owned(),
        };
        operation.insert("operationId".to_owned(), json!(id));
        self.ids.push(id);
        let item = self.paths.entry(path).or_insert_with(|| json!({}));
        if item.get(&method).is_some() {
            return Err(ConfigError::new(format!("{method} {path} is in the document already")));
        }
        item[&method] = operation.into();
        Ok(())
    }
}

/// The security scheme of a key in a header of its own.
fn key(header: &str, text: &str) -> Value {
    json!({"type": "apiKey", "in": "header", "name": header, "description": text})
}

/// The security scheme of a credential in `Authorization`.
fn http(scheme: &str, text: &str) -> Value {
    json!({"type": "http", "scheme": scheme, "description": text})
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::{HeaderName, Request, Response, StatusCode, request::Parts};

    use super::*;
    use crate::{
        BoxError, CallerSecret, Rejection, RequestHead, Route, Verifier, verifier_fn,
        wire::response::{empty, json, text},
    };

    struct Badge;

    impl Credential for Badge {
        type Verdict = bool;
    }

    /// It takes a badge of four characters, and echoes what the request is called.
    struct Turnstile {
        sample: &'static str,
    }

    impl Contract for Turnstile {
        type Credential = Badge;
        type Context = String;
        const NAME: &'static str = "turnstile";

        fn decode(&self, head: &mut Parts, _body: Bytes, context: &mut String) -> Result<Badge, Rejection> {
            *context = head.method.to_string();
            let badge = head.headers.remove("badge").ok_or(Rejection::no_credential("there is no badge"))?;
            if badge.len() == 4 { Ok(Badge) } else { Err(Rejection::malformed("a badge has four digits")) }
        }

        fn refused(&self, outcome: Outcome<bool>, context: String) -> Response<Bytes> {
            match outcome {
                Outcome::Failed(_) => text(StatusCode::SERVICE_UNAVAILABLE, "closed"),
                Outcome::Rejected(rejection) => json(StatusCode::FORBIDDEN, &(rejection.detail(), context)),
                Outcome::Verdict(_) => json(StatusCode::FORBIDDEN, &context),
            }
        }
    }

    impl Endpoint for Turnstile {
        fn route(&self) -> Route {
            Route::from_static(Method::POST, "/badge")
        }

        fn admitted(&self, _verdict: bool, _context: String) -> Response<Bytes> {
            empty(StatusCode::NO_CONTENT)
        }
    }

    impl Described for Turnstile {
        fn describe(&self) -> Description<bool> {
            Description::new("Doors", "May this badge pass?")
                .header("Badge", json!({"type": "string"}), self.sample)
                .json_body(json!({"type": "object"}), json!({}))
                .verdicts([true, false])
        }
    }

    fn layer(sample: &'static str) -> VerifyLayer<Turnstile, impl Verifier<Badge>> {
        VerifyLayer::new(Turnstile { sample }, verifier_fn(|_: Request<Badge>| async { Ok::<_, BoxError>(false) }))
    }

    fn document<V: Verifier<Badge>>(layer: &VerifyLayer<Turnstile, V>) -> Result<Value, ConfigError> {
        OpenApi::new("Doors", "1").endpoint(layer).map(OpenApi::into_json)
    }

    #[test]
    fn answers_are_those_of_the_endpoint() {
        let document = document(&layer("4711").body_limit(7)).unwrap();
        let operation = &document["paths"]["/badge"]["post"];
        let responses = &operation["responses"];
        assert_eq!(responses["204"]["description"], "Admitted.");
        assert!(responses["204"]["content"].is_null());
        assert_eq!(responses["204"]["headers"]["cache-control"]["schema"]["enum"], json!(["no-store"]));
        let bodies = json!([
            "POST",
            ["there is no badge", "POST"],
            ["the request is malformed", ""],
            ["the body is larger than 7 bytes", ""],
        ]);
        assert_eq!(responses["403"]["content"]["application/json"]["schema"]["enum"], bodies);
        assert_eq!(responses["503"]["content"]["text/plain; charset=utf-8"]["schema"]["enum"], json!(["closed"]));
        assert_eq!(responses.as_object().unwrap().len(), 3);
        let example = &operation["requestBody"]["content"]["application/json"]["example"];
        assert_eq!((example, &operation["parameters"][0]["example"]), (&json!({}), &json!("4711")));
        assert!(operation["security"].is_null());
    }

    #[test]
    fn a_sample_that_is_refused_is_left_out() {
        let document = document(&layer("47111")).unwrap();
        let body = &document["paths"]["/badge"]["post"]["requestBody"]["content"]["application/json"];
        assert!(body["schema"].is_object() && body["example"].is_null());
        assert!(super::tests::document(&layer("47\n11")).is_err());
    }

    #[test]
    fn a_mount_has_its_path_its_methods_and_its_callers_secret() {
        let secret = CallerSecret::new(HeaderName::from_static("x-proxy"), ["605b32dd"]).unwrap();
        let mounted = |path| layer("4711").route(Route::exact(path).unwrap().methods([Method::PUT, Method::GET]));
        let first = mounted("/a").caller_secret(secret.clone());
        let by_head = move |_: RequestHead<'_>| Some(secret.clone());
        let second = mounted("/b").caller_secret_by(by_head);
        let document = OpenApi::new("Doors", "1").endpoint(&first).unwrap().endpoint(&second).unwrap();
        assert!(document.clone().endpoint(&second).is_err(), "a path is described once");
        let document = document.into_json();
        let ids: Vec<_> = ["/a", "/b"]
            .iter()
            .flat_map(|path| ["get", "put"].map(|method| &document["paths"][path][method]["operationId"]))
            .collect();
        assert_eq!(ids, ["turnstile", "turnstile put /a", "turnstile get /b", "turnstile put /b"]);
        let scheme = &document["components"]["securitySchemes"]["x-proxy"];
        assert_eq!((&scheme["in"], &scheme["name"]), (&json!("header"), &json!("x-proxy")));
        assert_eq!(document["paths"]["/a"]["get"]["security"], json!([{"x-proxy": []}]));
        assert!(document["paths"]["/b"]["get"]["security"].is_null());
        for path in ["/a", "/b"] {
            let refusals = document["paths"][path]["get"]["responses"]["403"].to_string();
            assert!(refusals.contains("the caller's secret is missing"), "{refusals}");
        }
        assert!(!document.to_string().contains("605b"));
    }

    #[test]
    fn a_route_without_one_path_or_method_cannot_be_described() {
        for route in [Route::any(), Route::prefix("/badge/").unwrap(), Route::exact("/badge").unwrap()] {
            let error = document(&layer("4711").route(route)).unwrap_err().to_string();
            assert!(error.starts_with("turnstile has no exact path and method to describe"), "{error}");
        }
    }
}
