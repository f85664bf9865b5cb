//! Diyalog: "Authentication Services".

use serde::Deserialize;
use serde_json::{Value, json};
use tower_verify::diyalog::{Customer, CustomerVerdict, Vocabulary};

use crate::vectors::{self, Served, Vector};

#[test]
fn vectors() {
    vectors::run("diyalog.json", 5, serve);
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct CustomerOptions {
    path: Option<String>,
    vocabulary: Option<String>,
    quoted: bool,
}

fn serve(vector: &Vector) -> Served {
    match &*vector.endpoint {
        "diyalog_customer" => serve_customer(vector),
        other => panic!("there is no endpoint {other}"),
    }
}

fn serve_customer(vector: &Vector) -> Served {
    let CustomerOptions { path, vocabulary, quoted } = vector.options.own();
    let mut endpoint = Customer::new().quoted(quoted);
    if let Some(path) = path {
        endpoint = endpoint.path(&path).unwrap();
    }
    match vocabulary.as_deref() {
        None => {}
        Some("current") => endpoint = endpoint.vocabulary(Vocabulary::Current),
        Some("older") => endpoint = endpoint.vocabulary(Vocabulary::Older),
        Some(other) => panic!("there is no vocabulary {other}"),
    }
    vector.serve(endpoint, customer_verdict, |request| {
        let token = request.body();
        json!({
            "deviceId": token.device_id.expose_secret(),
            "dlgToken": token.dlg_token.expose_secret(),
            "customerNo": token.customer_no.expose_secret(),
            "deviceHash": token.device_hash.as_ref().map(|hash| hash.expose_secret()),
        })
    })
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
