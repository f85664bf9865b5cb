//! The endpoints of a ticket server, and the ready-made verifier for them.

pub(in crate::taptalk) mod access_token;
pub(in crate::taptalk) mod auth_ticket;
pub(in crate::taptalk) mod connect;
pub(in crate::taptalk) mod logout;
#[cfg(feature = "token")]
pub(in crate::taptalk) mod office;
pub(in crate::taptalk) mod project_configs;
pub(in crate::taptalk) mod refresh;
pub(in crate::taptalk) mod socket;
pub(in crate::taptalk) mod user_update;

#[cfg(test)]
mod tests {
    use crate::{
        Verdict,
        taptalk::{
            AccessVerdict, ConfigsVerdict, KeyRefusal, SocketVerdict, Ticket, TicketVerdict, TokenVerdict, UserVerdict,
        },
    };

    #[test]
    fn observers_see_the_name_of_a_verdict() {
        let names = [
            (TicketVerdict::Issued(Ticket::new("1", "1234")).name(), "issued"),
            (TicketVerdict::KeyRefused(KeyRefusal::Expired).name(), "key_expired"),
            (TicketVerdict::Refused.name(), "refused"),
            (TokenVerdict::NoUser.name(), "no_user"),
            (TokenVerdict::Invalid.name(), "invalid"),
            (AccessVerdict::Valid.name(), "valid"),
            (AccessVerdict::OtherClient.name(), "other_client"),
            (ConfigsVerdict::Allowed.name(), "allowed"),
            (ConfigsVerdict::KeyRefused(KeyRefusal::Unknown).name(), "key_unknown"),
            (SocketVerdict::Refused(AccessVerdict::Expired).name(), "expired"),
            (UserVerdict::Saved("1".to_owned()).name(), "saved"),
            (UserVerdict::KeyRefused(KeyRefusal::Suspended).name(), "key_suspended"),
        ];
        for (name, expected) in names {
            assert_eq!(name, expected);
        }
    }
}
