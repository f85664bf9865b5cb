//! The ticket office on several nodes.

use std::{collections::HashSet, time::Duration};

use futures::future::join_all;
use http::Request;
use tower_verify::{
    Credential, Secret, Verifier,
    store::SharedStore,
    taptalk::{
        AccessCheck, AccessVerdict, ApiKey, ApiKeys, KeyRefusal, Profile, Ticket, TicketExchange, TicketOffice,
        TicketParameters, TicketRequest, TicketVerdict, TokenPair, TokenRefresh, TokenVerdict, UserPlatform,
    },
    token::KeyRing,
};

use crate::{State, in_every_state};

in_every_state! {
    a_ticket_is_valid_once_and_a_second_exchange_does_no_harm
    an_unknown_app_does_not_use_the_ticket_up
    each_use_of_a_reusable_ticket_begins_a_login
    a_reused_refresh_token_ends_its_login_and_no_other
    a_store_that_lost_its_data_redeems_nothing
    one_of_many_concurrent_exchanges_of_a_ticket_succeeds
    one_of_many_concurrent_refreshes_succeeds_and_the_login_ends
    concurrent_tickets_for_a_new_user_have_one_user_id
}

type Office = TicketOffice<SharedStore>;

fn open(store: SharedStore, keys: &KeyRing) -> Office {
    TicketOffice::new("t", store, keys.clone())
        .unwrap()
        .server_keys(ApiKeys::new([ApiKey::new("backend", "s3cr3t")]).unwrap())
        .app_keys(ApiKeys::new([app_key()]).unwrap())
        .refresh_grace(Duration::ZERO)
        .unwrap()
}

/// Opens an office on three nodes.
async fn offices(state: &State) -> [Office; 3] {
    let keys = KeyRing::generate().unwrap();
    state.nodes().await.map(|store| open(store, &keys))
}

fn app_key() -> ApiKey {
    ApiKey::new("android", "pl41n")
}

async fn ask<C: Credential>(office: &impl Verifier<C>, credential: C) -> C::Verdict {
    office.verify(Request::new(credential)).await.unwrap()
}

/// Sends one credential to the offices 300 times at once, and returns the verdicts.
async fn ask_at_once<C: Credential + Clone>(offices: &[Office], credential: C) -> Vec<C::Verdict>
where
    Office: Verifier<C>,
{
    let asked = (0..300).map(|number| {
        let (office, credential) = (offices[number % offices.len()].clone(), credential.clone());
        tokio::spawn(async move { ask(&office, credential).await })
    });
    join_all(asked).await.into_iter().map(Result::unwrap).collect()
}

fn request() -> TicketRequest {
    let profile = Profile::new("287", "Ann Example");
    let parameters = TicketParameters::new(profile, UserPlatform::Android, "7a6c", "203.0.113.7", "okhttp/4.9.1");
    TicketRequest::new(ApiKey::new("backend", "s3cr3t"), parameters)
}

fn given(verdict: TicketVerdict) -> Ticket {
    let TicketVerdict::Issued(ticket) = verdict else { panic!("{verdict:?}") };
    ticket
}

async fn ticket(office: &Office) -> Secret {
    given(ask(office, request()).await).ticket
}

async fn exchange(office: &Office, ticket: &Secret) -> TokenVerdict {
    ask(office, TicketExchange::new(ticket.clone(), app_key())).await
}

async fn refresh(office: &Office, tokens: &TokenPair) -> TokenVerdict {
    ask(office, TokenRefresh::new(tokens.refresh_token.clone())).await
}

async fn check(office: &Office, tokens: &TokenPair) -> AccessVerdict {
    ask(office, AccessCheck::new(tokens.access_token.clone())).await
}

#[track_caller]
fn issued(verdict: TokenVerdict) -> TokenPair {
    let TokenVerdict::Issued(tokens) = verdict else { panic!("{verdict:?}") };
    *tokens
}

/// Asserts that exactly one verdict has tokens and all others are `Invalid`, and returns the tokens.
fn only(verdicts: Vec<TokenVerdict>) -> TokenPair {
    let (mut won, lost): (Vec<_>, Vec<_>) =
        verdicts.into_iter().partition(|verdict| matches!(verdict, TokenVerdict::Issued(_)));
    assert_eq!(won.len(), 1);
    assert!(lost.iter().all(|verdict| *verdict == TokenVerdict::Invalid));
    issued(won.remove(0))
}

async fn log_in(office: &Office) -> TokenPair {
    issued(exchange(office, &ticket(office).await).await)
}

async fn a_ticket_is_valid_once_and_a_second_exchange_does_no_harm(state: State) {
    let [one, two, three] = offices(&state).await;
    let ticket = ticket(&one).await;
    let tokens = issued(exchange(&two, &ticket).await);
    assert_eq!(exchange(&three, &ticket).await, TokenVerdict::Invalid);
    assert_eq!(check(&one, &tokens).await, AccessVerdict::Valid);
    let tokens = issued(refresh(&two, &tokens).await);
    assert_eq!(exchange(&three, &ticket).await, TokenVerdict::Invalid);
    assert_eq!(check(&one, &tokens).await, AccessVerdict::Valid);
}

async fn an_unknown_app_does_not_use_the_ticket_up(state: State) {
    let [one, two, three] = offices(&state).await;
    let ticket = ticket(&one).await;
    for key in [ApiKey::new("android", "guess"), ApiKey::new("ios", "pl41n"), ApiKey::new("backend", "s3cr3t")] {
        assert_eq!(
            ask(&two, TicketExchange::new(ticket.clone(), key)).await,
            TokenVerdict::KeyRefused(KeyRefusal::Unknown)
        );
    }
    issued(exchange(&three, &ticket).await);
}

async fn each_use_of_a_reusable_ticket_begins_a_login(state: State) {
    let [one, two, three] = offices(&state).await.map(|office| office.single_use(false));
    let ticket = ticket(&one).await;
    let [first, other] = [issued(exchange(&two, &ticket).await), issued(exchange(&three, &ticket).await)];
    let renewed = issued(refresh(&one, &first).await);
    assert_eq!(refresh(&two, &first).await, TokenVerdict::Invalid);
    assert_eq!(check(&three, &renewed).await, AccessVerdict::Invalid);
    assert_eq!(check(&one, &other).await, AccessVerdict::Valid);
    issued(exchange(&two, &ticket).await);
}

async fn a_reused_refresh_token_ends_its_login_and_no_other(state: State) {
    let [one, two, three] = offices(&state).await;
    let (first, bystander) = (log_in(&one).await, log_in(&two).await);
    let second = issued(refresh(&two, &first).await);
    let third = issued(refresh(&three, &second).await);
    assert_eq!(check(&one, &first).await, AccessVerdict::Valid);

    assert_eq!(refresh(&two, &first).await, TokenVerdict::Invalid);
    for tokens in [&first, &second, &third] {
        assert_eq!(check(&three, tokens).await, AccessVerdict::Invalid);
        assert_eq!(refresh(&one, tokens).await, TokenVerdict::Invalid);
    }
    assert_eq!(check(&two, &bystander).await, AccessVerdict::Valid);
    issued(refresh(&three, &bystander).await);
}

async fn a_store_that_lost_its_data_redeems_nothing(mut state: State) {
    let keys = KeyRing::generate().unwrap();
    let before = open(state.node().await, &keys);
    let (unused, used) = (ticket(&before).await, ticket(&before).await);
    let tokens = issued(exchange(&before, &used).await);
    state.lose().await;
    let after = open(state.node().await, &keys);
    let reusing = after.clone().single_use(false);
    // Twice, as a refusal must not make anything valid. After the first round, the user exists again.
    for _ in 0..2 {
        for ticket in [&unused, &used] {
            assert_eq!(exchange(&after, ticket).await, TokenVerdict::Invalid);
            assert_eq!(exchange(&reusing, ticket).await, TokenVerdict::Invalid);
        }
        assert_eq!(check(&after, &tokens).await, AccessVerdict::Invalid);
        assert_eq!(refresh(&after, &tokens).await, TokenVerdict::Invalid);
        ticket(&after).await;
    }
}

async fn one_of_many_concurrent_exchanges_of_a_ticket_succeeds(state: State) {
    let offices = offices(&state).await;
    for _ in 0..5 {
        let ticket = ticket(&offices[0]).await;
        let tokens = only(ask_at_once(&offices, TicketExchange::new(ticket, app_key())).await);
        assert_eq!(check(&offices[1], &tokens).await, AccessVerdict::Valid);
    }
}

async fn one_of_many_concurrent_refreshes_succeeds_and_the_login_ends(state: State) {
    let offices = offices(&state).await;
    for _ in 0..5 {
        let tokens = log_in(&offices[0]).await;
        let renewed = only(ask_at_once(&offices, TokenRefresh::new(tokens.refresh_token)).await);
        assert_eq!(check(&offices[1], &renewed).await, AccessVerdict::Invalid);
        assert_eq!(refresh(&offices[2], &renewed).await, TokenVerdict::Invalid);
    }
}

async fn concurrent_tickets_for_a_new_user_have_one_user_id(state: State) {
    let offices = offices(&state).await;
    let tickets: Vec<_> = ask_at_once(&offices, request()).await.into_iter().map(given).collect();
    let ids: HashSet<_> = tickets.iter().map(|ticket| &ticket.user_id).collect();
    assert_eq!(ids.len(), 1);
    for (number, ticket) in tickets.iter().enumerate() {
        let tokens = issued(exchange(&offices[number % 3], &ticket.ticket).await);
        assert_eq!(tokens.user.user_id, ticket.user_id);
    }
}
