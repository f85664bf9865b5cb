//! The office under concurrent requests.

use bytes::Bytes;
use futures_util::future::try_join_all;
use tokio::task::yield_now;

use super::*;
use crate::store::StoreError;

/// A store that yields before and after each operation, so that concurrent checks interleave between any two operations,
/// and between an operation and its answer.
pub(super) struct Yielding(pub(super) MemoryStore);

impl Store for Yielding {
    async fn get(&self, key: &str) -> Result<Option<Bytes>, StoreError> {
        yield_now().await;
        let answer = self.0.get(key).await;
        yield_now().await;
        answer
    }

    async fn put(&self, key: &str, value: Bytes, ttl: Duration) -> Result<(), StoreError> {
        yield_now().await;
        let answer = self.0.put(key, value, ttl).await;
        yield_now().await;
        answer
    }

    async fn claim(&self, key: &str, value: Bytes, ttl: Duration) -> Result<Option<Bytes>, StoreError> {
        yield_now().await;
        let answer = self.0.claim(key, value, ttl).await;
        yield_now().await;
        answer
    }

    async fn take(&self, key: &str) -> Result<Option<Bytes>, StoreError> {
        yield_now().await;
        let answer = self.0.take(key).await;
        yield_now().await;
        answer
    }

    async fn replace(&self, key: &str, expected: Bytes, new: Bytes, ttl: Duration) -> Result<bool, StoreError> {
        yield_now().await;
        let answer = self.0.replace(key, expected, new, ttl).await;
        yield_now().await;
        answer
    }
}

pub(super) fn yielding_office() -> TicketOffice<Yielding> {
    office("t", Yielding(MemoryStore::new()), &KeyRing::generate().unwrap(), &ManualClock::new(START))
}

/// The verdicts of `office` on `credentials`, which are verified concurrently.
async fn ask_at_once<C: Credential, O: Verifier<C>>(office: &O, credentials: Vec<C>) -> Vec<C::Verdict> {
    let verdicts = credentials.into_iter().map(|credential| office.verify(Request::new(credential)));
    try_join_all(verdicts).await.unwrap()
}

fn all_issued(verdicts: Vec<TokenVerdict>) -> Vec<TokenPair> {
    let issued = |verdict| match verdict {
        TokenVerdict::Issued(tokens) => Some(*tokens),
        other => {
            assert_eq!(other, TokenVerdict::Invalid);
            None
        }
    };
    verdicts.into_iter().filter_map(issued).collect()
}

pub(super) async fn wait_for<C: Credential>(office: &impl Verifier<C>, credential: C) -> C::Verdict {
    office.verify(Request::new(credential)).await.unwrap()
}

pub(super) async fn wait_for_ticket(office: &impl Verifier<TicketRequest>) -> Secret {
    match wait_for(office, request(Profile::new("287", "Ann Example"))).await {
        TicketVerdict::Issued(ticket) => ticket.ticket,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn one_of_a_thousand_exchanges_of_a_ticket_succeeds() {
    let office = yielding_office();
    let ticket = wait_for_ticket(&office).await;
    let exchanges = vec![TicketExchange::new(ticket, app_key()); 1000];
    let issued = all_issued(ask_at_once(&office, exchanges).await);
    assert_eq!(issued.len(), 1);
    let check = AccessCheck::new(issued[0].access_token.clone());
    assert_eq!(wait_for(&office, check).await, AccessVerdict::Valid);
}

#[tokio::test]
async fn one_of_many_refreshes_of_a_token_succeeds_and_the_login_ends() {
    let office = yielding_office();
    let exchange = TicketExchange::new(wait_for_ticket(&office).await, app_key());
    let tokens = issued(wait_for(&office, exchange).await);
    let refreshes = vec![TokenRefresh::new(tokens.refresh_token); 100];
    let renewed = all_issued(ask_at_once(&office, refreshes).await);
    assert_eq!(renewed.len(), 1);
    let check = AccessCheck::new(renewed[0].access_token.clone());
    assert_eq!(wait_for(&office, check).await, AccessVerdict::Invalid);
    let refresh = TokenRefresh::new(renewed[0].refresh_token.clone());
    assert_eq!(wait_for(&office, refresh).await, TokenVerdict::Invalid);
}

#[tokio::test]
async fn concurrent_requests_for_one_user_save_one_user() {
    let office = yielding_office();
    let requests = vec![request(Profile::new("287", "Ann Example")); 100];
    let mut ids = HashSet::new();
    for verdict in ask_at_once(&office, requests).await {
        let TicketVerdict::Issued(ticket) = verdict else { panic!("{verdict:?}") };
        let exchange = TicketExchange::new(ticket.ticket, app_key());
        assert_eq!(issued(wait_for(&office, exchange).await).user.user_id, ticket.user_id);
        ids.insert(ticket.user_id);
    }
    assert_eq!(ids.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_a_thousand_exchanges_on_several_threads_succeeds() {
    let Fixture { office, .. } = fixture();
    let ticket = ticket(&office);
    let exchanges = (0..1000).map(|_| {
        let (office, exchange) = (office.clone(), TicketExchange::new(ticket.clone(), app_key()));
        tokio::spawn(async move { wait_for(&office, exchange).await })
    });
    let verdicts = try_join_all(exchanges.collect::<Vec<_>>()).await.unwrap();
    let issued = all_issued(verdicts);
    assert_eq!(issued.len(), 1);
    assert_eq!(check(&office, &issued[0]), AccessVerdict::Valid);
}

#[tokio::test]
async fn a_login_that_begins_while_its_users_logins_are_revoked_is_revoked() {
    let clock = ManualClock::new(START);
    let office = office("t", Yielding(MemoryStore::new()), &KeyRing::generate().unwrap(), &clock).single_use(false);
    let TicketVerdict::Issued(ticket) = wait_for(&office, request(Profile::new("287", "Ann Example"))).await else {
        panic!("no ticket");
    };
    clock.advance(MILLI);
    let mut exchange = Box::pin(office.verify(Request::new(TicketExchange::new(ticket.ticket, app_key()))));
    // The first poll asks the store about the ticket, and the second one hears that it is good.
    for _ in 0..2 {
        assert!(exchange.as_mut().now_or_never().is_none());
    }
    office.revoke_user(&ticket.user_id).await.unwrap();
    clock.advance(MILLI);
    let tokens = issued(exchange.await.unwrap());
    assert_eq!(wait_for(&office, AccessCheck::new(tokens.access_token)).await, AccessVerdict::Invalid);
}
