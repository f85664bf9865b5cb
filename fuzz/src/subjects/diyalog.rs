use bytes::Bytes;
use http::{Method, Request, Response, request::Parts};
use http_body::Body;
use serde_json::Value;
use tower_verify::{
    BoxError, Verifier,
    diyalog::{AgentEndpoint, AgentToken, AgentVerdict, CustomerEndpoint, CustomerToken, CustomerVerdict},
};

use super::endpoint;
use crate::{
    reference,
    subject::{Fields, Settings, Subject, call_endpoint},
};

impl Subject for CustomerEndpoint {
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/checkauthtoken";

    endpoint!(Self::new());

    fn fields(asked: &CustomerToken) -> Fields {
        let required = [&asked.device_id, &asked.dlg_token, &asked.customer_no].map(Some);
        let all = required.into_iter().chain([asked.device_hash.as_ref()]);
        all.map(|secret| secret.map(|secret| secret.expose_secret().to_owned())).collect()
    }

    fn expected(_: &Parts, body: &[u8]) -> Option<Fields> {
        let names = ["deviceId", "dlgToken", "customerNo", "deviceHash"];
        let [device_id, dlg_token, customer_no, device_hash] = reference::members(body, names)?;
        let mut fields = Vec::new();
        for required in [device_id, dlg_token, customer_no] {
            fields.push(Some(reference::text(&required)?));
        }
        fields.push(match device_hash {
            None | Some(Value::Null) => None,
            Some(Value::String(hash)) => Some(hash),
            Some(_) => return None,
        });
        Some(fields)
    }

    fn positive() -> CustomerVerdict {
        CustomerVerdict::Validated
    }

    fn negative(choice: u8) -> CustomerVerdict {
        use CustomerVerdict::{ExpiredToken, InvalidDeviceId, InvalidToken};

        [InvalidToken, ExpiredToken, InvalidDeviceId][usize::from(choice % 3)]
    }

    fn is_admitted(answer: &Response<Bytes>) -> bool {
        answer.body() == "Validated"
    }

    fn assert_well_formed(answer: &Response<Bytes>) {
        let words = ["Validated", "InvalidToken", "ExpiredToken", "InvalidDeviceId", "InternalError", "BadRequest"];
        assert!(words.iter().any(|word| answer.body() == word));
        assert!(matches!(answer.status().as_u16(), 200 | 401));
    }
}

impl Subject for AgentEndpoint {
    const METHOD: Method = Method::GET;
    const PATH: &'static str = "/CheckToken";

    endpoint!(Self::new());

    fn fields(asked: &AgentToken) -> Fields {
        [&asked.session_id, &asked.token, &asked.user_no].map(|secret| Some(secret.expose_secret().to_owned())).into()
    }

    fn expected(head: &Parts, _: &[u8]) -> Option<Fields> {
        let names = ["sessionId", "token", "userNo"];
        let values = reference::parameters(head.uri.query().unwrap_or_default(), names)?;
        values
            .into_iter()
            .map(|value| Some(value.filter(|value| !value.is_empty())))
            .collect::<Option<Fields>>()
            .filter(|fields| fields.iter().all(Option::is_some))
    }

    fn positive() -> AgentVerdict {
        AgentVerdict::validated("7 \"\u{e9}\" \\ \n")
    }

    fn negative(choice: u8) -> AgentVerdict {
        match choice % 3 {
            0 => AgentVerdict::InvalidToken,
            1 => AgentVerdict::ExpiredToken,
            _ => AgentVerdict::InvalidSessionId,
        }
    }

    fn is_admitted(answer: &Response<Bytes>) -> bool {
        serde_json::from_slice::<Value>(answer.body()).is_ok_and(|said| said["success"] == true)
    }

    fn assert_well_formed(answer: &Response<Bytes>) {
        let said: Value = serde_json::from_slice(answer.body()).expect("every answer is JSON");
        assert!(said["result"].is_string() && said["success"].is_boolean());
        assert_eq!(said["success"] == false, said["errorMessage"].is_string());
    }
}
