//! A copy of Diyalog's customer check, made only of public items.

use bytes::Bytes;
use http::{Method, Response, StatusCode, request::Parts};
use tower_verify::{
    Contract, Endpoint, Outcome, Rejection, Route, Secret,
    diyalog::{CustomerToken, CustomerVerdict},
    wire::{self, json::Value},
};

pub(crate) struct CustomerEndpoint;

fn say(word: &'static str) -> Response<Bytes> {
    wire::response::text(StatusCode::OK, word)
}

impl Contract for CustomerEndpoint {
    type Credential = CustomerToken;
    type Context = ();
    const NAME: &'static str = "outside.customer";

    fn decode(&self, _: &mut Parts, body: Bytes, (): &mut ()) -> Result<CustomerToken, Rejection> {
        const NAMES: [&str; 4] = ["deviceId", "dlgToken", "customerNo", "deviceHash"];
        let text = wire::text(body)?;
        let [device_id, dlg_token, customer_no, hash] = wire::json::members(&text, &NAMES)?;
        let required = |value, name| match value {
            Some(Value::Text(value)) if !value.is_empty() => Ok(Secret::slice_of(&text, value)),
            _ => Err(Rejection::malformed("a member of the trio is missing").with_field(name)),
        };
        let mut token = CustomerToken::new(
            required(device_id, NAMES[0])?,
            required(dlg_token, NAMES[1])?,
            required(customer_no, NAMES[2])?,
        );
        token.device_hash = match hash {
            None | Some(Value::Null) => None,
            Some(Value::Text(hash)) => Some(Secret::slice_of(&text, hash)),
            Some(_) => return Err(Rejection::malformed("`deviceHash` must be a string").with_field(NAMES[3])),
        };
        Ok(token)
    }

    fn refused(&self, outcome: Outcome<CustomerVerdict>, (): ()) -> Response<Bytes> {
        say(match outcome {
            Outcome::Verdict(CustomerVerdict::InvalidToken) => "InvalidToken",
            Outcome::Verdict(CustomerVerdict::ExpiredToken) => "ExpiredToken",
            Outcome::Verdict(CustomerVerdict::InvalidDeviceId) => "InvalidDeviceId",
            Outcome::Rejected(_) => "BadRequest",
            _ => "InternalError",
        })
    }
}

impl Endpoint for CustomerEndpoint {
    fn route(&self) -> Route {
        Route::from_static(Method::POST, "/checkauthtoken")
    }

    fn admitted(&self, _: CustomerVerdict, (): ()) -> Response<Bytes> {
        say("Validated")
    }
}
