//! TapTalk's ticket office on a store in memory.

use futures::FutureExt;
use http::Request;
use tower_verify::{
    Secret, Verifier,
    store::MemoryStore,
    taptalk::{
        ApiKey, ApiKeys, Profile, TicketExchange, TicketOffice, TicketParameters, TicketRequest, TicketVerdict,
        TokenVerdict, UserPlatform,
    },
    token::KeyRing,
};

pub(crate) struct Office(TicketOffice<MemoryStore>);

impl Office {
    /// Makes an office with room for this many tickets and as many users.
    pub(crate) fn new(tickets: u64) -> Self {
        let entries = 3 * tickets as usize + 10_000;
        let store = MemoryStore::new().max_entries(entries).max_bytes(entries * 512);
        let office = TicketOffice::new("example", store, KeyRing::generate().expect("a key")).expect("an office");
        let server_keys = ApiKeys::new([ApiKey::new("backend", "s3cr3t")]).expect("keys");
        let app_keys = ApiKeys::new([ApiKey::new("android", "pl41n")]).expect("keys");
        Self(office.server_keys(server_keys).app_keys(app_keys))
    }

    /// Issues a ticket for a user.
    pub(crate) fn issue(&self, user: u64) -> Secret {
        let profile = Profile::new(user.to_string(), "Ann Example");
        let parameters = TicketParameters::new(profile, UserPlatform::Android, "7a6c", "203.0.113.7", "okhttp/4.9.1");
        let request = TicketRequest::new(ApiKey::new("backend", "s3cr3t"), parameters);
        match self.0.verify(Request::new(request)).now_or_never() {
            Some(Ok(TicketVerdict::Issued(ticket))) => ticket.ticket,
            other => panic!("no ticket was issued: {other:?}"),
        }
    }

    /// Exchanges a ticket for tokens. The ticket must be valid.
    pub(crate) fn exchange(&self, ticket: Secret) {
        let request = TicketExchange::new(ticket.expose_secret(), ApiKey::new("android", "pl41n"));
        let verdict = self.0.verify(Request::new(request)).now_or_never();
        assert!(matches!(verdict, Some(Ok(TokenVerdict::Issued(_)))), "the ticket is not valid: {verdict:?}");
    }
}
