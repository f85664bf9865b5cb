//! Diyalog: "Authentication Services".

use http::Request;
use serde::Deserialize;
use serde_json::{Value, json};
use tower_verify::diyalog::{Agent, AgentToken, AgentVerdict, Customer, CustomerToken, CustomerVerdict, Vocabulary};

use crate::vectors::{self, Served, Vector};

#[test]
fn vectors() {
    vectors::run("diyalog.json", 190, serve);
}

fn serve(vector: &Vector) -> Served {
    match &*vector.endpoint {
        "diyalog_customer" => vector.serve(customer(vector), customer_verdict, asked_of_customer),
        "diyalog_agent" => vector.serve(agent(vector), agent_verdict, asked_of_agent),
        other => panic!("there is no endpoint {other}"),
    }
}

fn customer(vector: &Vector) -> Customer {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Options {
        path: Option<String>,
        vocabulary: Option<String>,
        #[serde(default)]
        quoted: bool,
    }

    let options: Options = vector.options.own();
    let vocabulary = match options.vocabulary.as_deref() {
        None => Vocabulary::default(),
        Some("current") => Vocabulary::Current,
        Some("older") => Vocabulary::Older,
        Some(other) => panic!("there is no vocabulary {other}"),
    };
    let endpoint = Customer::new().vocabulary(vocabulary).quoted(options.quoted);
    options.path.map_or(endpoint.clone(), |path| endpoint.path(&path).unwrap())
}

fn customer_verdict(verdict: &Value) -> CustomerVerdict {
    match verdict.as_str() {
        Some("Validated") => CustomerVerdict::Validated,
        Some("InvalidToken") => CustomerVerdict::InvalidToken,
        Some("ExpiredToken") => CustomerVerdict::ExpiredToken,
        Some("InvalidDeviceId") => CustomerVerdict::InvalidDeviceId,
        _ => panic!("there is no verdict {verdict}"),
    }
}

fn asked_of_customer(request: &Request<CustomerToken>) -> Value {
    let token = request.body();
    json!({
        "deviceId": token.device_id.expose_secret(),
        "dlgToken": token.dlg_token.expose_secret(),
        "customerNo": token.customer_no.expose_secret(),
        "deviceHash": token.device_hash.as_ref().map(|hash| hash.expose_secret()),
        "headers": header_names(request),
    })
}

fn agent(vector: &Vector) -> Agent {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Options {
        path: Option<String>,
    }

    let options: Options = vector.options.own();
    options.path.map_or(Agent::new(), |path| Agent::new().path(&path).unwrap())
}

fn agent_verdict(verdict: &Value) -> AgentVerdict {
    match verdict.as_str() {
        None => AgentVerdict::validated(verdict["Validated"].as_str().expect("the agent's number")),
        Some("InvalidToken") => AgentVerdict::InvalidToken,
        Some("ExpiredToken") => AgentVerdict::ExpiredToken,
        Some("InvalidSessionId") => AgentVerdict::InvalidSessionId,
        Some(other) => panic!("there is no verdict {other}"),
    }
}

fn asked_of_agent(request: &Request<AgentToken>) -> Value {
    let token = request.body();
    json!({
        "sessionId": token.session_id.expose_secret(),
        "token": token.token.expose_secret(),
        "userNo": token.user_no.expose_secret(),
        "uri": request.uri().to_string(),
        "headers": header_names(request),
    })
}

fn header_names<C>(request: &Request<C>) -> Vec<&str> {
    let added = ["content-length", "host", "transfer-encoding"];
    request.headers().keys().map(|name| name.as_str()).filter(|name| !added.contains(name)).collect()
}
