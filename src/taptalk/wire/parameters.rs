use bytes::Bytes;
use bytestring::ByteString;

use crate::taptalk::{
    wire::code::Code,
    wire::profile::{Profile, UserPlatform},
    wire::ticket_parameters::TicketParameters,
};
use crate::{
    Rejection, Secret,
    wire::{
        self,
        json::{self, Value},
    },
};

/// The parameters of a ticket request, in the order of their numbers.
const NAMES: [&str; 12] = [
    "userIPAddress",
    "userAgent",
    "userPlatform",
    "userDeviceID",
    "xcUserID",
    "fullName",
    "email",
    "phone",
    "username",
    "photoThumbnailURL",
    "photoFullsizeURL",
    "userRoleCode",
];
const NUMBERS: [&str; 12] = ["101", "102", "103", "104", "105", "106", "107", "108", "109", "110", "111", "112"];

/// The maximum number of characters of `xcUserID`.
const XC_USER_ID_LIMIT: usize = 50;

// Contract: TT-101, TT-103, TT-104.
/// Reads all parameters of `body`, or returns the first fault.
pub(in crate::taptalk) fn read(body: Bytes) -> Result<TicketParameters, Rejection> {
    let text = wire::text(body)?;
    let mut parameters = ParameterReader::new(&text)?;
    Ok(TicketParameters {
        user_ip_address: parameters.required(0)?,
        user_agent: parameters.required(1)?,
        user_platform: {
            let word = parameters.required(2)?;
            UserPlatform::from_word(word.expose_secret())
                .ok_or_else(|| invalid(2, "must be 'android', 'ios' or 'web'"))?
        },
        user_device_id: parameters.required(3)?,
        profile: parameters.profile()?,
    })
}

/// Reads the parameters 105 to 112 of `body`, or returns the first fault.
pub(in crate::taptalk) fn read_profile(body: Bytes) -> Result<Profile, Rejection> {
    ParameterReader::new(&wire::text(body)?)?.profile()
}

struct ParameterReader<'a> {
    text: &'a ByteString,
    values: [Option<Value<'a>>; 12],
}

impl<'a> ParameterReader<'a> {
    fn new(text: &'a ByteString) -> Result<Self, Rejection> {
        Ok(Self { text, values: json::members(text, &NAMES).map_err(numbered)? })
    }

    // Contract: TT-105, TT-106, TT-107.
    fn profile(&mut self) -> Result<Profile, Rejection> {
        Ok(Profile {
            xc_user_id: {
                let id = self.required(4)?;
                if id.expose_secret().chars().count() > XC_USER_ID_LIMIT {
                    return Err(invalid(4, "must not have more than 50 characters"));
                }
                id
            },
            full_name: self.required(5)?,
            email: self.optional(6)?,
            phone: self.optional(7)?,
            username: self.optional(8)?,
            photo_thumbnail_url: self.optional(9)?,
            photo_fullsize_url: self.optional(10)?,
            user_role_code: self.optional(11)?,
        })
    }

    fn required(&mut self, index: usize) -> Result<Secret, Rejection> {
        self.optional(index)?.ok_or_else(|| invalid(index, "is required"))
    }

    // Contract: TT-7.
    /// Absent, `null` and `""` all mean "not given".
    fn optional(&mut self, index: usize) -> Result<Option<Secret>, Rejection> {
        match self.values[index].take() {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Text(value)) if value.is_empty() => Ok(None),
            Some(Value::Text(value)) => Ok(Some(Secret::slice_of(self.text, value))),
            Some(_) => Err(invalid(index, "must be a string")),
        }
    }
}

fn invalid(index: usize, fault: &str) -> Rejection {
    Code::PARAMETER_INVALID.reject(format!("Param '{}' {fault}", NAMES[index])).with_field(NUMBERS[index])
}

/// Replaces the name of a duplicate parameter in a rejection by its number.
fn numbered(rejection: Rejection) -> Rejection {
    match NAMES.iter().position(|name| Some(*name) == rejection.field()) {
        Some(index) => invalid(index, "is given more than once"),
        None => rejection,
    }
}
