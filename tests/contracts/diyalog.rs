//! Diyalog's contract, "Authentication Services": its vectors, and its endpoints under the laws.

use std::collections::HashMap;

use bytes::Bytes;
use http::{Request, Response};
use percent_encoding::{NON_ALPHANUMERIC, percent_encode};
use proptest::{collection::vec, prelude::*, sample::select};
use serde::Deserialize;
use serde_json::{Value, json};
use tower_verify::diyalog::{
    AgentEndpoint, AgentToken, AgentVerdict, CustomerEndpoint, CustomerToken, CustomerVerdict, Vocabulary,
};

use crate::{
    laws::{Subject, changed},
    vectors::{self, Served, Vector},
};

// Contract: DY-1, DY-2, DY-3, DY-4, DY-10, DY-20, DY-22.
#[test]
fn every_vector_gets_its_answer() {
    vectors::run("diyalog.json", 190, serve);
}

fn serve(vector: &Vector) -> Served {
    match &*vector.endpoint {
        "diyalog_customer" => vector.serve(customer(vector), customer_verdict, asked_of_customer),
        "diyalog_agent" => vector.serve(agent(vector), agent_verdict, asked_of_agent),
        other => panic!("unknown endpoint {other}"),
    }
}

fn customer(vector: &Vector) -> CustomerEndpoint {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Options {
        vocabulary: Option<String>,
        #[serde(default)]
        quoted: bool,
    }

    let options: Options = vector.options.own();
    let vocabulary = match options.vocabulary.as_deref() {
        None => Vocabulary::default(),
        Some("current") => Vocabulary::Current,
        Some("older") => Vocabulary::Older,
        Some(other) => panic!("unknown vocabulary {other}"),
    };
    CustomerEndpoint::new().vocabulary(vocabulary).quoted(options.quoted)
}

fn customer_verdict(verdict: &Value) -> CustomerVerdict {
    match verdict.as_str() {
        Some("Validated") => CustomerVerdict::Validated,
        Some("InvalidToken") => CustomerVerdict::InvalidToken,
        Some("ExpiredToken") => CustomerVerdict::ExpiredToken,
        Some("InvalidDeviceId") => CustomerVerdict::InvalidDeviceId,
        _ => panic!("unknown verdict {verdict}"),
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

fn agent(vector: &Vector) -> AgentEndpoint {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Options {}

    let Options {} = vector.options.own();
    AgentEndpoint::new()
}

fn agent_verdict(verdict: &Value) -> AgentVerdict {
    match verdict.as_str() {
        None => AgentVerdict::validated(verdict["Validated"].as_str().expect("the agent's number")),
        Some("InvalidToken") => AgentVerdict::InvalidToken,
        Some("ExpiredToken") => AgentVerdict::ExpiredToken,
        Some("InvalidSessionId") => AgentVerdict::InvalidSessionId,
        Some(other) => panic!("unknown verdict {other}"),
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

/// The endpoint for customers, with each combination of its options.
pub(crate) fn customers() -> Vec<CustomerSubject> {
    let with = |vocabulary, quoted| CustomerSubject { vocabulary, quoted };
    [Vocabulary::Current, Vocabulary::Older].into_iter().flat_map(|v| [with(v, false), with(v, true)]).collect()
}

#[derive(Debug, Clone)]
pub(crate) struct CustomerSubject {
    vocabulary: Vocabulary,
    quoted: bool,
}

impl Subject for CustomerSubject {
    type Endpoint = CustomerEndpoint;

    fn endpoint(&self) -> CustomerEndpoint {
        CustomerEndpoint::new().vocabulary(self.vocabulary).quoted(self.quoted)
    }

    fn verdicts(&self) -> Vec<CustomerVerdict> {
        use CustomerVerdict::{ExpiredToken, InvalidDeviceId, InvalidToken, Validated};

        vec![Validated, InvalidToken, ExpiredToken, InvalidDeviceId]
    }

    fn fit_request(&self) -> Request<Bytes> {
        post(r#"{"deviceId":"1234","dlgToken":"2121sa","customerNo":"1234567"}"#.into())
    }

    fn requests(&self) -> BoxedStrategy<Request<Bytes>> {
        let name = select(&["deviceId", "dlgToken", "customerNo", "deviceHash", "dlgT\\u006fken", "x", ""][..]);
        let value = prop_oneof![
            8 => any::<String>().prop_map(|text| Value::from(text).to_string()),
            4 => select(&["\"\"", "\"\\u0041\"", "null", "7", "-1.5e3", "true", "[\"a\"]", "{\"a\":{}}"][..]).prop_map(str::to_owned),
        ];
        let member = |name: &'static str| value.clone().prop_map(move |value| format!("\"{name}\":{value}"));
        let trio = [member("deviceId"), member("dlgToken"), member("customerNo")];
        let others = vec((name, value.clone()).prop_map(|(name, value)| format!("\"{name}\":{value}")), 0..3);
        let object = (trio, others)
            .prop_map(|(trio, others)| [trio.to_vec(), others].concat())
            .prop_shuffle()
            .prop_map(|members| format!("{{{}}}", members.join(",")).into_bytes());
        let changed = changed(object.clone());
        prop_oneof![object, changed, vec(any::<u8>(), 0..64)].prop_map(post).boxed()
    }

    fn is_fit(&self, request: &Request<Bytes>) -> bool {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Trio {
            device_id: String,
            dlg_token: String,
            customer_no: String,
            #[serde(rename = "deviceHash")]
            _device_hash: Option<String>,
            #[serde(flatten)]
            _others: HashMap<String, Value>,
        }

        let text = std::str::from_utf8(request.body()).unwrap_or_default();
        serde_json::from_str::<Trio>(text).is_ok_and(|Trio { device_id, dlg_token, customer_no, .. }| {
            [device_id, dlg_token, customer_no].iter().all(|text| !text.is_empty())
        })
    }

    fn admitted(&self, answer: &Response<Bytes>) -> bool {
        String::from_utf8_lossy(answer.body()).to_lowercase().contains("validated")
    }

    fn documented(&self, answer: &Response<Bytes>) -> bool {
        let words = match self.vocabulary {
            Vocabulary::Older => &["Validated", "InvalidCode", "ExpiredCode", "InvalidHash", "InternalError"][..],
            _ => &["Validated", "InvalidToken", "ExpiredToken", "InvalidDeviceId", "InternalError", "BadRequest"],
        };
        let written = |word: &&str| if self.quoted { format!("\"{word}\"") } else { (*word).to_owned() };
        let content_type = if self.quoted { "application/json" } else { "text/plain; charset=utf-8" };
        words.iter().map(written).any(|word| answer.body() == word.as_bytes()) && has(answer, content_type)
    }
}

fn post(body: Vec<u8>) -> Request<Bytes> {
    Request::post("/checkauthtoken").body(body.into()).unwrap()
}

/// The endpoint for agents, which has no options.
pub(crate) fn agents() -> [AgentSubject; 1] {
    [AgentSubject]
}

#[derive(Debug, Clone)]
pub(crate) struct AgentSubject;

impl Subject for AgentSubject {
    type Endpoint = AgentEndpoint;

    fn endpoint(&self) -> AgentEndpoint {
        AgentEndpoint::new()
    }

    fn verdicts(&self) -> Vec<AgentVerdict> {
        use AgentVerdict::{ExpiredToken, InvalidSessionId, InvalidToken};

        vec![AgentVerdict::validated("\"45186\","), InvalidToken, ExpiredToken, InvalidSessionId]
    }

    fn fit_request(&self) -> Request<Bytes> {
        get("sessionId=s-7&token=b1f0&userNo=45186", Vec::new())
    }

    fn requests(&self) -> BoxedStrategy<Request<Bytes>> {
        let value = prop_oneof![
            3 => any::<String>().prop_map(|text| percent_encode(text.as_bytes(), NON_ALPHANUMERIC).to_string()),
            2 => "[a-z0-9+=;?/]{0,6}",
            1 => vec(any::<u8>(), 1..4).prop_map(|bytes| percent_encode(&bytes, NON_ALPHANUMERIC).to_string()),
            1 => "[a-f0-9%]{0,6}",
        ];
        let pair = |name: &'static str| value.clone().prop_map(move |value| format!("{name}={value}"));
        let name = select(&["sessionId", "token", "userNo", "tok%65n", "x", ""][..]);
        let others = vec((name, value.clone()).prop_map(|(name, value)| format!("{name}={value}")), 0..3);
        let query = ([pair("sessionId"), pair("token"), pair("userNo")], others)
            .prop_map(|(trio, others)| [trio.to_vec(), others].concat())
            .prop_shuffle()
            .prop_map(|pairs| pairs.join("&"));
        let query = prop_oneof![query, "[a-zA-Z0-9%&=+;/?._~-]{0,40}"];
        (query, vec(any::<u8>(), 0..16)).prop_map(|(query, body)| get(&query, body)).boxed()
    }

    fn is_fit(&self, request: &Request<Bytes>) -> bool {
        let pairs = request.uri().query().unwrap_or_default().split('&');
        let pairs = pairs.map(|pair| match pair.find('=') {
            Some(equals) => Some((decoded(&pair[..equals])?, decoded(&pair[equals + 1..])?)),
            None => Some((decoded(pair)?, String::new())),
        });
        let Some(pairs) = pairs.collect::<Option<Vec<_>>>() else { return false };
        ["sessionId", "token", "userNo"].iter().all(|name| {
            let values: Vec<_> = pairs.iter().filter(|pair| pair.0 == *name).collect();
            values.len() == 1 && !values[0].1.is_empty()
        })
    }

    fn admitted(&self, answer: &Response<Bytes>) -> bool {
        let text: String = String::from_utf8_lossy(answer.body()).split_whitespace().collect();
        text.to_lowercase().contains("\"success\":true")
    }

    fn documented(&self, answer: &Response<Bytes>) -> bool {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields, rename_all = "camelCase")]
        struct Documented {
            success: bool,
            error_message: Option<String>,
            result: String,
        }

        serde_json::from_slice::<Documented>(answer.body()).is_ok_and(
            |Documented { success, error_message, result }| success == error_message.is_none() && !result.is_empty(),
        ) && has(answer, "application/json")
    }
}

fn get(query: &str, body: Vec<u8>) -> Request<Bytes> {
    Request::get(format!("/CheckToken?{query}")).body(body.into()).unwrap()
}

fn decoded(text: &str) -> Option<String> {
    let mut rest = text.bytes();
    let mut bytes = Vec::new();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let mut digit = || char::from(rest.next()?).to_digit(16);
                u8::try_from(digit()? * 16 + digit()?).ok()?
            }
            b'+' => b' ',
            byte => byte,
        });
    }
    String::from_utf8(bytes).ok()
}

fn has(answer: &Response<Bytes>, content_type: &str) -> bool {
    let challenged = answer.headers().contains_key("www-authenticate");
    answer.status() == if challenged { 401 } else { 200 } && answer.headers()["content-type"] == content_type
}
