//! The contracts' vectors against the document of an endpoint that has the vector's settings: a request that reaches the
//! verifier must have the request's schema, and every answer the schema of its status and type.

use std::{borrow::Cow, fs, path::Path};

use http::{HeaderName, Method, Request, StatusCode};
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tower_verify::{
    BoxError, CallerSecret, Credential, Endpoint, GuardLayer, Secret, VerifyLayer,
    diyalog::{AgentEndpoint, CustomerEndpoint, Vocabulary},
    openapi::{Described, OpenApi},
    talkdesk::{LaterCalls, Validator},
    taptalk::{AccessTokenEndpoint, AuthTicketEndpoint, ConnectEndpoint, RefreshEndpoint},
    verifier_fn,
};

use crate::schema::Checker;

#[derive(Deserialize)]
struct Vector {
    name: String,
    endpoint: String,
    #[serde(default)]
    options: Options,
    request: RequestVector,
    verifier: Value,
    answer: Answer,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Options {
    path: Option<String>,
    body_limit: Option<usize>,
    caller_secret: Option<CallerSecretOption>,
    enabled: Option<bool>,
    vocabulary: Option<String>,
    quoted: bool,
    typed: bool,
    no_verdict_status: Option<u16>,
    legacy_no_content: bool,
    mirror_status: bool,
}

#[derive(Deserialize)]
struct CallerSecretOption {
    header: String,
    live: Vec<String>,
}

#[derive(Deserialize)]
struct RequestVector {
    path: String,
    #[serde(default)]
    headers: Vec<(String, String)>,
    body: Option<String>,
    body_repeat: Option<Repeat>,
}

#[derive(Deserialize)]
struct Repeat {
    before: String,
    text: String,
    times: usize,
    after: String,
}

impl RequestVector {
    /// The body, if it is text.
    fn text(&self) -> Option<Cow<'_, str>> {
        let repeated = self
            .body_repeat
            .as_ref()
            .map(|Repeat { before, text, times, after }| Cow::Owned([before, &*text.repeat(*times), after].concat()));
        repeated.or_else(|| self.body.as_deref().map(Cow::Borrowed))
    }
}

#[derive(Deserialize)]
struct Answer {
    status: u16,
    headers: Map<String, Value>,
    body: String,
}

/// The results of a file's vectors.
#[derive(Debug, PartialEq)]
struct Checked {
    requests: usize,
    answers: usize,
    /// Requests that the verifier was not asked about and whose body is no JSON of the schema.
    refused: usize,
}

// Contract: DY-5, DY-10, DY-22.
#[test]
fn diyalogs_vectors_have_the_documents_schemas() {
    check("diyalog.json", Checked { requests: 80, answers: 187, refused: 68 });
}

// Contract: TD-10, TD-11, TD-14, TD-24.
#[test]
fn talkdesks_vectors_have_the_documents_schemas() {
    check("talkdesk.json", Checked { requests: 57, answers: 138, refused: 50 });
}

// Contract: TT-8.
#[test]
fn taptalks_vectors_have_the_documents_schemas() {
    check("taptalk.json", Checked { requests: 97, answers: 187, refused: 57 });
}

fn check(file: &str, at_least: Checked) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors").join(file);
    let vectors: Vec<Vector> = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let (mut checker, mut checked) = (Checker::new(), Checked { requests: 0, answers: 0, refused: 0 });
    for vector in &vectors {
        vector.check(&mut checker, &mut checked).unwrap_or_else(|error| panic!("{file}: {:?}: {error}", vector.name));
    }
    let enough = checked.requests >= at_least.requests
        && checked.answers >= at_least.answers
        && checked.refused >= at_least.refused;
    assert!(enough, "{file}: {checked:?}, and it must be at least {at_least:?}");
}

impl Vector {
    fn check(&self, checker: &mut Checker, checked: &mut Checked) -> Result<(), String> {
        let document = self.document();
        let (_, item) = document["paths"].as_object().unwrap().iter().next().unwrap();
        let (_, operation) = item.as_object().unwrap().iter().next().unwrap();
        if self.answer.headers.contains_key("app") {
            return Ok(()); // The app's own answer.
        }
        let asked = self.verifier != "not asked";
        match (asked, self.check_request(&document, operation, checker)) {
            (true, Ok(())) => checked.requests += 1,
            (true, Err(error)) => return Err(error),
            (false, Err(_)) => checked.refused += 1,
            (false, Ok(())) => {}
        }
        self.check_answer(operation, checker)?;
        checked.answers += 1;
        Ok(())
    }

    fn check_request(&self, document: &Value, operation: &Value, checker: &mut Checker) -> Result<(), String> {
        let headers: Vec<&str> = self.request.headers.iter().map(|(name, _)| &**name).collect();
        let has = |name: &str| headers.iter().any(|header| header.eq_ignore_ascii_case(name));
        for scheme in operation["security"][0].as_object().into_iter().flat_map(Map::keys) {
            let scheme = &document["components"]["securitySchemes"][scheme];
            let header = if scheme["type"] == "http" { "authorization" } else { scheme["name"].as_str().unwrap() };
            if !has(header) {
                return Err(format!("there is no {header}"));
            }
        }
        let query = self.request.path.split_once('?').map_or("", |(_, query)| query);
        let query: Vec<(String, String)> =
            query.split('&').filter_map(|pair| pair.split_once('=')).map(decoded).collect();
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            let name = parameter["name"].as_str().unwrap();
            let value = match parameter["in"].as_str().unwrap() {
                "query" => query.iter().find(|(given, _)| given == name).map(|(_, value)| json!(value)),
                _ => self
                    .request
                    .headers
                    .iter()
                    .find(|(given, _)| given.eq_ignore_ascii_case(name))
                    .map(|(_, value)| json!(value)),
            };
            match value {
                Some(value) => checker.check(&parameter["schema"], &value)?,
                None if parameter["required"] == true => return Err(format!("{name} is missing")),
                None => {}
            }
        }
        if operation["requestBody"].is_object() {
            let body = self.request.text().ok_or("the body is not text")?;
            let body: Value = serde_json::from_str(&body).map_err(|error| error.to_string())?;
            checker.check(&operation["requestBody"]["content"]["application/json"]["schema"], &body)?;
        }
        Ok(())
    }

    fn check_answer(&self, operation: &Value, checker: &mut Checker) -> Result<(), String> {
        let Answer { status, headers, body } = &self.answer;
        let response = &operation["responses"][status.to_string()];
        if !response.is_object() {
            return Err(format!("the document has no answer with status {status}"));
        }
        for (name, described) in response["headers"].as_object().unwrap() {
            match headers.get(name) {
                Some(value) if described["schema"]["type"] == "integer" => {
                    let number: u64 = value.as_str().unwrap().parse().map_err(|_| format!("{name}: {value}"))?;
                    checker.check(&described["schema"], &json!(number))?;
                }
                Some(value) => checker.check(&described["schema"], value)?,
                None if described["required"] == true => return Err(format!("the answer has no {name}")),
                None => {}
            }
        }
        if let Some(name) = headers.keys().find(|name| *name != "content-type" && response["headers"][*name].is_null())
        {
            return Err(format!("the document has no header {name}"));
        }
        let Some(media_type) = headers.get("content-type").and_then(Value::as_str) else {
            return if body.is_empty() && response["content"].is_null() { Ok(()) } else { Err("no type".to_owned()) };
        };
        let content = &response["content"][media_type];
        if !content.is_object() {
            return Err(format!("the document has no answer of type {media_type}"));
        }
        let value = match media_type {
            "application/json" => serde_json::from_str(body).map_err(|error| error.to_string())?,
            _ => json!(body),
        };
        checker.check(&content["schema"], &value)
    }

    /// The document of the vector's endpoint, with its settings.
    fn document(&self) -> Value {
        let Options { vocabulary, no_verdict_status, .. } = &self.options;
        let options = &self.options;
        let status = no_verdict_status.map(|status| StatusCode::from_u16(status).unwrap());
        match &*self.endpoint {
            "diyalog_customer" => {
                let vocabulary = match vocabulary.as_deref() {
                    Some("older") => Vocabulary::Older,
                    _ => Vocabulary::Current,
                };
                self.described(CustomerEndpoint::new().vocabulary(vocabulary).quoted(options.quoted))
            }
            "diyalog_agent" => self.described(AgentEndpoint::new()),
            "talkdesk_validator" if options.typed => {
                self.described(validator(Validator::typed::<Login>(), options, status))
            }
            "talkdesk_validator" => self.described(validator(Validator::new(), options, status)),
            "talkdesk_guard" => {
                let mut guard = LaterCalls::<()>::new();
                if let Some(status) = status {
                    guard = guard.no_verdict_status(status).unwrap();
                }
                let mut layer = GuardLayer::new(guard, verifier_fn(nobody));
                if let Some(limit) = options.body_limit {
                    layer = layer.body_limit(limit);
                }
                if let Some(secret) = options.caller_secret() {
                    layer = layer.caller_secret(secret);
                }
                let own = json!({"responses": {"200": {"description": "the app's own answer"}}});
                OpenApi::new("a guard", "1").guarded(&layer, Method::POST, "/contacts", own).unwrap().into_json()
            }
            "taptalk_auth_ticket" => self.described(AuthTicketEndpoint::new().mirror_status(options.mirror_status)),
            "taptalk_access_token" => self.described(AccessTokenEndpoint::new().mirror_status(options.mirror_status)),
            "taptalk_refresh" => self.described(RefreshEndpoint::new().mirror_status(options.mirror_status)),
            "taptalk_connect" => self.described(ConnectEndpoint::new().mirror_status(options.mirror_status)),
            other => panic!("unknown endpoint {other}"),
        }
    }

    fn described<E: Endpoint + Described>(&self, endpoint: E) -> Value {
        let Options { path, body_limit, caller_secret: _, enabled, .. } = &self.options;
        let mut layer = VerifyLayer::new(endpoint, verifier_fn(nobody)).enabled(enabled.unwrap_or(true));
        if let Some(path) = path {
            layer = layer.path(path).unwrap();
        }
        if let Some(limit) = body_limit {
            layer = layer.body_limit(*limit);
        }
        if let Some(secret) = self.options.caller_secret() {
            layer = layer.caller_secret(secret);
        }
        OpenApi::new("an endpoint", "1").endpoint(&layer).unwrap().into_json()
    }
}

impl Options {
    fn caller_secret(&self) -> Option<CallerSecret> {
        let CallerSecretOption { header, live } = self.caller_secret.as_ref()?;
        let header = HeaderName::try_from(&**header).unwrap();
        Some(CallerSecret::new(header, live.iter().map(|live| Secret::from(&**live))).unwrap())
    }
}

/// The credentials of the vectors with the option `typed`.
#[derive(Deserialize)]
#[allow(dead_code, reason = "only its form matters")]
struct Login {
    username: Secret,
    password: Secret,
}

fn validator<A>(mut validator: Validator<A>, options: &Options, status: Option<StatusCode>) -> Validator<A> {
    if let Some(status) = status {
        validator = validator.no_verdict_status(status).unwrap();
    }
    validator.legacy_no_content(options.legacy_no_content)
}

/// A verifier that is never asked: a document is made without one.
async fn nobody<C: Credential>(_: Request<C>) -> Result<C::Verdict, BoxError> {
    Err("a document needs no verdict".into())
}

fn decoded((name, value): (&str, &str)) -> (String, String) {
    let decode = |text: &str| {
        let text = text.replace('+', " ");
        let decoded: Cow<'_, str> = percent_decode_str(&text).decode_utf8_lossy();
        decoded.into_owned()
    };
    (decode(name), decode(value))
}
