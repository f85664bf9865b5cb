use std::future::poll_fn;

use bytes::Bytes;
use http::{Request, Response, header::CONTENT_TYPE};
use http_body::Body;
use http_body_util::{BodyExt, Full, Limited};
use tower_service::Service;

use super::{Check, Suite, call::shown, report::Finding, values::Values};
use crate::BoxError;

/// The largest answer that is read. No documented one is close to it.
const ANSWER_LIMIT: usize = 1024 * 1024;

/// One run of a suite: what earlier answers gave is kept here.
pub(super) struct Runner<'a, S> {
    suite: &'a Suite,
    values: Values,
    service: S,
}

impl<'a, S> Runner<'a, S> {
    pub(super) fn new(suite: &'a Suite, service: S) -> Self {
        Self { suite, values: suite.values.clone(), service }
    }

    pub(super) async fn run<B>(&mut self, check: &Check) -> Finding
    where
        S: Service<Request<Full<Bytes>>, Response = Response<B>, Error: Into<BoxError>>,
        B: Body<Error: Into<BoxError>>,
    {
        let finding = Finding::of(check.row(), check.name());
        if let Some(missing) = check.needs().find(|name| !self.values.has(name)) {
            return finding.skipped(self.reason(missing));
        }
        let request = match check.call.render(&self.suite.base, &self.values) {
            Ok(request) => request,
            Err(error) => {
                let said = format!("the call cannot be sent: {error}");
                return self.failed(finding, check, "nothing".into(), vec![said]);
            }
        };
        let answer = match ask(&mut self.service, request).await {
            Ok(answer) => answer,
            Err(error) => {
                let said = self.redacted(&with_sources(&*error));
                return self.failed(finding, check, "no answer".into(), vec![format!("no whole answer: {said}")]);
            }
        };
        let admitted = (self.suite.admitted)(&answer);
        let sent: Vec<&str> = check.needs().collect();
        let secrets: Vec<_> = self.values.secrets().into_iter().filter(|(name, _)| sent.contains(name)).collect();
        let violations = check.expected.violations(&answer, admitted, &self.values, &secrets);
        let came = self.came(&answer, admitted);
        self.keep(check, &answer);
        if violations.is_empty() { finding } else { self.failed(finding, check, came, violations) }
    }

    fn failed(&self, finding: Finding, check: &Check, came: String, violations: Vec<String>) -> Finding {
        let row = self.suite.row(check.row()).map(|text| format!("{}: {text}", check.row()));
        finding.failed(check.call.to_string(), came, check.expected.to_string(), row, violations)
    }

    /// Why a call without the value `name` is skipped.
    fn reason(&self, name: &str) -> String {
        let keeps = |check: &&Check| check.keeps.iter().any(|(kept, _)| kept == name);
        match self.suite.checks.iter().find(keeps) {
            Some(check) => format!("needs `{name}`, which the check {} \"{}\" did not get", check.row(), check.name()),
            None => format!("needs `{name}`"),
        }
    }

    /// The answer in a line, without secrets.
    fn came(&self, answer: &Response<Bytes>, admitted: bool) -> String {
        let content_type = answer.headers().get(CONTENT_TYPE);
        let content_type = content_type.map_or("no content type".into(), |value| shown(value.as_bytes()));
        let body = match answer.body() {
            body if body.is_empty() => "no body".into(),
            body if admitted && self.suite.hides_admitted => {
                format!("{} bytes, which may have credentials", body.len())
            }
            body => format!("`{}`", shown(body)),
        };
        self.redacted(&format!("{}, {content_type}, {body}", answer.status().as_u16()))
    }

    /// The text with the names of secrets in place of the secrets.
    fn redacted(&self, text: &str) -> String {
        let replace = |text: String, (name, secret): (&str, &str)| text.replace(secret, &format!("${{{name}}}"));
        self.values.secrets().into_iter().fold(text.to_owned(), replace)
    }

    /// Keeps what later calls need of an answer.
    fn keep(&mut self, check: &Check, answer: &Response<Bytes>) {
        if check.keeps.is_empty() {
            return;
        }
        let Ok(body) = serde_json::from_slice::<serde_json::Value>(answer.body()) else { return };
        for (name, pointer) in &check.keeps {
            if let Some(text) = body.pointer(pointer).and_then(|value| value.as_str()).filter(|text| !text.is_empty()) {
                self.values.insert(name, text.into(), true);
            }
        }
    }
}

async fn ask<S, B>(service: &mut S, request: Request<Full<Bytes>>) -> Result<Response<Bytes>, BoxError>
where
    S: Service<Request<Full<Bytes>>, Response = Response<B>, Error: Into<BoxError>>,
    B: Body<Error: Into<BoxError>>,
{
    poll_fn(|context| service.poll_ready(context)).await.map_err(Into::into)?;
    let (head, body) = service.call(request).await.map_err(Into::into)?.into_parts();
    let body = Limited::new(body, ANSWER_LIMIT).collect().await?.to_bytes();
    Ok(Response::from_parts(head, body))
}

/// The message of an error and of its sources: a client's own often says little.
fn with_sources(error: &dyn std::error::Error) -> String {
    let sources = std::iter::successors(error.source(), |error| error.source());
    sources.fold(error.to_string(), |said, source| format!("{said}: {source}"))
}
