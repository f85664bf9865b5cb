//! The real answers of an endpoint, in the form of a document.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use bytes::Bytes;
use http::{
    Method, Request, Response,
    header::{CONTENT_TYPE, RETRY_AFTER},
};
use serde_json::{Map, Value, json};

use super::description::{Description, Without};
use crate::{
    ConfigError, Contract, Failure, Outcome, Rejection, Verdict,
    layer::described::{Mounted, VerdictOf, uncached},
};

/// How long a throttled caller waits in the document's sample.
const WAIT: Duration = Duration::from_secs(30);

/// An answer, and what it is the answer to.
struct Answer {
    outcome: String,
    admitted: bool,
    response: Response<Bytes>,
}

/// All answers of an endpoint.
pub(super) struct Answers {
    list: Vec<Answer>,
    /// Whether the endpoint takes the sample of its description.
    pub(super) takes_sample: bool,
}

/// Asks a contract for its answer to each outcome that the layer can come to.
///
/// `respond` makes the answer to an outcome. `None` is the answer of somebody else: of the app behind a guard.
pub(super) fn ask<C: Contract>(
    mounted: &Mounted<'_, C>,
    description: &mut Description<VerdictOf<C>>,
    (method, path): (&Method, &str),
    respond: impl Fn(Outcome<VerdictOf<C>>, C::Context) -> Option<Response<Bytes>>,
) -> Result<Answers, ConfigError> {
    let mut answers = Vec::new();
    let mut add = |outcome: String, admitted, response: Option<Response<Bytes>>| {
        let response = response.map(uncached);
        answers.extend(response.map(|response| Answer { outcome, admitted, response }));
    };
    let verdicts = std::mem::take(&mut description.verdicts);
    let description = &*description;
    let request = |without| {
        let wrong = || ConfigError::new(format!("a sample in the description of {} cannot be in a request", C::NAME));
        description.request(method, path, without).ok_or_else(wrong)
    };
    // The context of a good request. That of a sample which the endpoint refuses is the default.
    let good = || request(Without::Nothing).map(|request| decode(mounted.contract, request).0);

    for verdict in verdicts {
        let admits = verdict.admits();
        let name = if admits { "admitted" } else { verdict.name() };
        add(name.to_owned(), admits, respond(Outcome::Verdict(verdict), good()?));
    }
    let on_route = mounted.route.matches(&request(Without::Nothing)?);
    for without in description.lacking() {
        let name = match without {
            Without::Parameter(name) | Without::Scheme(name) | Without::Member(name) => format!("without {name}"),
            Without::Nothing | Without::Body => "without a body".to_owned(),
        };
        let request = request(without)?;
        // Without a parameter that the route asks for, the request is not the endpoint's.
        if on_route && !mounted.route.matches(&request) {
            continue;
        }
        if let (context, Err(rejection)) = decode(mounted.contract, request) {
            add(name, false, respond(rejection.into(), context));
        }
    }
    // There are more ways to be malformed than a lack, such as a parameter given twice.
    let mut rejections = vec![("malformed", Rejection::malformed("the request is malformed"))];
    if mounted.knows_callers {
        rejections.push(("unknown caller", Rejection::unknown_caller()));
    }
    if C::READS_BODY {
        rejections.push(("body too large", Rejection::too_large(mounted.body_limit)));
    }
    for (name, rejection) in rejections {
        add(name.to_owned(), false, respond(rejection.into(), C::Context::default()));
    }
    let mut failures = vec![
        ("error", Failure::from_error("the verifier failed")),
        ("panicked", Failure::panicked()),
        ("throttled", Failure::throttled(WAIT)),
        ("overloaded", Failure::overloaded()),
        ("disabled", Failure::disabled()),
    ];
    if mounted.has_deadline {
        failures.push(("deadline exceeded", Failure::deadline_exceeded()));
    }
    for (name, failure) in failures {
        add(name.to_owned(), false, respond(failure.into(), good()?));
    }
    let takes_sample = decode(mounted.contract, request(Without::Nothing)?).1.is_ok();
    Ok(Answers { list: answers, takes_sample })
}

/// Decodes a request, and returns the context and whether the contract takes the request.
fn decode<C: Contract>(contract: &C, request: Request<Bytes>) -> (C::Context, Result<(), Rejection>) {
    let (mut head, body) = request.into_parts();
    let mut context = C::Context::default();
    let decoded = contract.decode(&mut head, body, &mut context);
    (context, decoded.map(drop))
}

impl Answers {
    /// The member `responses` of an operation.
    pub(super) fn responses(&self, schemas: Option<&[Value; 2]>) -> Map<String, Value> {
        let mut by_status: BTreeMap<String, Vec<&Answer>> = BTreeMap::new();
        for answer in &self.list {
            by_status.entry(answer.response.status().as_str().to_owned()).or_default().push(answer);
        }
        by_status.into_iter().map(|(status, answers)| (status, response(&answers, schemas))).collect()
    }
}

/// The answers with one status.
fn response(answers: &[&Answer], schemas: Option<&[Value; 2]>) -> Value {
    let outcomes = |admitted| {
        let outcomes: Vec<&str> =
            answers.iter().filter(|answer| answer.admitted == admitted).map(|answer| &*answer.outcome).collect();
        outcomes.join(", ")
    };
    let description = match (outcomes(true).is_empty(), outcomes(false)) {
        (true, refused) => format!("Not admitted: {refused}."),
        (false, refused) if refused.is_empty() => "Admitted.".to_owned(),
        (false, refused) => format!("Admitted; or not admitted: {refused}."),
    };
    let mut response = json!({"description": description, "headers": headers(answers)});
    let mut by_type: BTreeMap<&str, Vec<&Answer>> = BTreeMap::new();
    for answer in answers {
        if let Some(Ok(media_type)) = answer.response.headers().get(CONTENT_TYPE).map(|value| value.to_str()) {
            by_type.entry(media_type).or_default().push(answer);
        }
    }
    if !by_type.is_empty() {
        let content: Map<String, Value> = by_type
            .into_iter()
            .map(|(media_type, answers)| (media_type.to_owned(), content(&answers, schemas)))
            .collect();
        response["content"] = content.into();
    }
    response
}

/// The headers of answers, apart from their type. A header that is in all of them is required.
fn headers(answers: &[&Answer]) -> Map<String, Value> {
    let names: BTreeSet<_> =
        answers.iter().flat_map(|answer| answer.response.headers().keys()).map(|name| name.as_str()).collect();
    let described = names.into_iter().filter(|name| *name != CONTENT_TYPE.as_str()).map(|name| {
        let values = || answers.iter().filter_map(|answer| answer.response.headers().get(name));
        let texts: BTreeSet<_> = values().map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
        let schema = match name == RETRY_AFTER.as_str() {
            true => json!({"type": "integer", "minimum": 0, "description": "seconds"}),
            false => json!({"type": "string", "enum": texts}),
        };
        (name.to_owned(), json!({"required": values().count() == answers.len(), "schema": schema}))
    });
    described.collect()
}

/// The bodies of answers with one status and one type: each body once, with what it is the answer to.
fn content(answers: &[&Answer], schemas: Option<&[Value; 2]>) -> Value {
    let mut bodies: Vec<(Value, Vec<&str>)> = Vec::new();
    for answer in answers {
        let body = body(&answer.response);
        match bodies.iter_mut().find(|(known, _)| *known == body) {
            Some((_, outcomes)) => outcomes.push(&answer.outcome),
            None => bodies.push((body, vec![&answer.outcome])),
        }
    }
    let schema = match schemas {
        None => json!({"enum": bodies.iter().map(|(body, _)| body).collect::<Vec<_>>()}),
        Some([admitted, refused]) => {
            let has = |admitted| answers.iter().any(|answer| answer.admitted == admitted);
            match (has(true), has(false)) {
                (true, true) => json!({"anyOf": [admitted, refused]}),
                (true, false) => admitted.clone(),
                (false, _) => refused.clone(),
            }
        }
    };
    let mut examples = Map::new();
    for (body, outcomes) in bodies {
        let mut name = outcomes[0].to_owned();
        while examples.contains_key(&name) {
            name.push('\'');
        }
        examples.insert(name, json!({"summary": outcomes.join(", "), "value": body}));
    }
    json!({"schema": schema, "examples": examples})
}

/// The body as a value: JSON as it is, and any other as text.
fn body(response: &Response<Bytes>) -> Value {
    let is_json =
        response.headers().get(CONTENT_TYPE).is_some_and(|value| value.as_bytes().starts_with(b"application/json"));
    let parsed = is_json.then(|| serde_json::from_slice(response.body()).ok()).flatten();
    parsed.unwrap_or_else(|| Value::String(String::from_utf8_lossy(response.body()).into_owned()))
}
