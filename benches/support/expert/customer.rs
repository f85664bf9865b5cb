//! Diyalog's customer check.

use http::{Request, StatusCode};
use http_body::Body;
use serde::Deserialize;

use super::{
    Answer, PLAIN_TEXT, answer,
    json::{Members, Object, Text},
    read, same,
};
use crate::support::TOKEN;

#[derive(Default)]
struct Payload<'a> {
    device_id: Option<Option<Text<'a>>>,
    dlg_token: Option<Option<Text<'a>>>,
    customer_no: Option<Option<Text<'a>>>,
    device_hash: Option<Option<Text<'a>>>,
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "camelCase")]
enum Name {
    DeviceId,
    DlgToken,
    CustomerNo,
    DeviceHash,
    #[serde(other)]
    Other,
}

impl<'a> Members<'a> for Payload<'a> {
    type Name = Name;
    type Value = Option<Text<'a>>;

    fn member(&mut self, name: Name) -> Option<&mut Option<Self::Value>> {
        match name {
            Name::DeviceId => Some(&mut self.device_id),
            Name::DlgToken => Some(&mut self.dlg_token),
            Name::CustomerNo => Some(&mut self.customer_no),
            Name::DeviceHash => Some(&mut self.device_hash),
            Name::Other => None,
        }
    }
}

pub(super) async fn check<B: Body>(request: Request<B>) -> Answer {
    let Ok(body) = read(request.into_body()).await else { return say("BadRequest") };
    let Some([_device_id, dlg_token, _customer_no]) = std::str::from_utf8(&body).ok().and_then(trio) else {
        return say("BadRequest");
    };
    say(if verify(&dlg_token.0).await { "Validated" } else { "InvalidToken" })
}

/// The token, and the device and the customer that it is for.
fn trio<'a>(body: &'a str) -> Option<[Text<'a>; 3]> {
    let Object(Payload { device_id, dlg_token, customer_no, device_hash: _ }) = serde_json::from_str(body).ok()?;
    let required = |member: Option<Option<Text<'a>>>| member.flatten().filter(|text| !text.0.is_empty());
    Some([required(device_id)?, required(dlg_token)?, required(customer_no)?])
}

async fn verify(dlg_token: &str) -> bool {
    same(dlg_token, TOKEN)
}

pub(super) fn failed() -> Answer {
    say("InternalError")
}

fn say(word: &'static str) -> Answer {
    answer(StatusCode::OK, PLAIN_TEXT, word)
}
