//! An OpenAPI document of the endpoints that read a form or HTTP's Basic, at `/openapi.json`.

use http::Method;
use serde_json::{Value, json};
use tower_verify::{
    ConfigError, Secret, VerifyLayer,
    openapi::{Described, Description, OpenApi},
    token::Checked,
};

use super::{icecast::Icecast, introspection::Introspection, rabbitmq::RabbitMq, registry::Registry};

/// The schema of a form with these parameters.
fn form(required: &[&str], optional: &[&str]) -> Value {
    let text = |name: &&str| ((*name).to_owned(), json!({"type": "string"}));
    let properties: Value = required.iter().chain(optional).map(text).collect::<serde_json::Map<_, _>>().into();
    json!({"type": "object", "required": required, "properties": properties})
}

impl Described for Icecast {
    fn describe(&self) -> Description<bool> {
        let sample = json!({"action": "listener_add", "mount": "/live", "user": "good", "pass": "605b32dd"});
        Description::new("Icecast", "May this listener hear a mount, or this source send to it?")
            .form_body(form(&["action", "mount", "user", "pass"], &["ip", "agent", "client"]), sample)
            .verdicts([true, false])
    }
}

impl Described for Registry {
    fn describe(&self) -> Description<Option<Secret>> {
        Description::new("Registry", "A token for what this user may pull and push.")
            .basic("registry-user", "The user's name and password.", ("good", "605b32dd"))
            .query("service", json!({"type": "string"}), "registry.example.com")
            .verdicts([Some(Secret::from("eyJ0eXAiOiJKV1QifQ.e30.c2ln")), None])
    }
}

/// `active` is a good token, for the sample of an answer.
fn introspection(active: Checked) -> Description<Option<Checked>> {
    let admitted = json!({
        "type": "object", "required": ["active", "jti", "exp"],
        "properties": {"active": {"const": true}, "jti": {"type": "string"}, "exp": {"type": "integer"}},
    });
    let inactive = json!({"const": {"active": false}});
    let error = json!({"type": "object", "required": ["error"], "properties": {"error": {"type": "string"}}});
    Description::new("OAuth 2.0", "Is this token active?")
        .form_body(form(&["token"], &["token_type_hint"]), json!({"token": "session_1.k1.sample"}))
        .verdicts([Some(active), None])
        .answers(admitted, json!({"anyOf": [inactive, error]}))
}

/// The document of these layers as they are mounted.
pub(crate) fn document<A, B, C, D>(
    icecast: &VerifyLayer<Icecast, A>,
    (introspected, active): (&VerifyLayer<Introspection, B>, Checked),
    rabbitmq: &VerifyLayer<RabbitMq, C>,
    registry: &VerifyLayer<Registry, D>,
) -> Result<Value, ConfigError> {
    let post = Method::POST;
    let mut document = OpenApi::new("The example `platforms`", "1.0.0").endpoint(icecast)?.endpoint(registry)?;
    document = document.call(introspected, &post, "/introspect", introspection(active))?;
    // One endpoint answers four questions: the path says which.
    for (path, summary, required, optional) in [
        ("/auth/user", "Has this user this password?", &["username", "password"][..], &["vhost", "client_id"][..]),
        ("/auth/vhost", "May this user enter the vhost?", &["username", "vhost"], &["ip"]),
        (
            "/auth/resource",
            "May this user use the queue or the exchange?",
            &["username", "vhost", "resource", "name", "permission"],
            &[],
        ),
        (
            "/auth/topic",
            "May this user use the routing key?",
            &["username", "vhost", "resource", "name", "permission"],
            &["routing_key"],
        ),
    ] {
        let sample = required.iter().map(|name| ((*name).to_owned(), json!(sample(name)))).collect();
        let description = Description::new("RabbitMQ", summary)
            .form_body(form(required, optional), Value::Object(sample))
            .verdicts([true, false]);
        document = document.call(rabbitmq, &post, path, description)?;
    }
    Ok(document.into_json())
}

fn sample(name: &str) -> &'static str {
    match name {
        "username" => "good",
        "password" => "605b32dd",
        "vhost" => "/",
        "resource" => "queue",
        "permission" => "read",
        _ => "jobs",
    }
}
