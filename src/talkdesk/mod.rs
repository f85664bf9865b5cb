//! Talkdesk's authorization validator.

mod call;
mod credentials;
mod decode;
mod field;
pub mod guard;
mod parameters;
mod refusal;
mod typed;
mod validator;

pub use self::{
    call::{Call, CallVerdict},
    credentials::Credentials,
    decode::Fields,
    field::FieldValue,
    guard::{Guard, GuardLayer},
    parameters::Parameters,
    typed::Auth,
    validator::{AuthVerdict, Validator},
};
