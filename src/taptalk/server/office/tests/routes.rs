//! Logout, revocation, the socket, user updates and settings.

use super::*;
use crate::taptalk::{ConfigsRequest, ConfigsVerdict, Logout, SocketRequest, SocketVerdict, UserUpdate, UserVerdict};

fn now<T>(future: impl Future<Output = Result<T, crate::store::StoreError>>) -> T {
    future.now_or_never().expect("nothing is pending").unwrap()
}

// Contract: TT-4.
#[test]
fn a_logout_ends_its_login_and_no_other() {
    let Fixture { office, .. } = fixture();
    let (here, elsewhere) = (log_in(&office), log_in(&office));
    let logout = |key| ask(&office, Logout::new(here.access_token.clone(), key));
    assert_eq!(logout(ApiKey::new("android", "guess")), AccessVerdict::KeyRefused(KeyRefusal::Unknown));
    assert_eq!(check(&office, &here), AccessVerdict::Valid);
    assert_eq!(logout(app_key()), AccessVerdict::Valid);
    assert_eq!(logout(app_key()), AccessVerdict::Invalid);
    assert_eq!(check(&office, &here), AccessVerdict::Invalid);
    assert_eq!(refresh(&office, &here), TokenVerdict::Invalid);
    assert_eq!(check(&office, &elsewhere), AccessVerdict::Valid);
}

#[test]
fn a_login_or_all_logins_of_a_user_can_be_revoked() {
    let Fixture { clock, office, .. } = fixture();
    let (unused, by_access, by_refresh, other) = (ticket(&office), log_in(&office), log_in(&office), log_in(&office));
    assert!(now(office.revoke_login(&by_access.access_token)));
    assert!(now(office.revoke_login(&by_refresh.refresh_token)));
    for gone in [&by_access.access_token, &unused, &"605b32dd".into()] {
        assert!(!now(office.revoke_login(gone)));
    }
    assert_eq!(
        (check(&office, &by_access), check(&office, &by_refresh)),
        (AccessVerdict::Invalid, AccessVerdict::Invalid)
    );
    assert_eq!(check(&office, &other), AccessVerdict::Valid);

    let bob = ticket_for(&office, Profile::new("288", "Bob Example"));
    clock.advance(MILLI);
    for nobody in ["", "0", "-1", "+1", "01", "x", "4294967295"] {
        now(office.revoke_user(nobody));
    }
    now(office.revoke_user(&other.user.user_id));
    assert_eq!(check(&office, &other), AccessVerdict::Invalid);
    assert_eq!(refresh(&office, &other), TokenVerdict::Invalid);
    assert_eq!(exchange(&office, &unused), TokenVerdict::Invalid);
    assert_eq!(exchange(&office.clone().single_use(false), &unused), TokenVerdict::Invalid);
    issued(exchange(&office, &bob.ticket));
    clock.advance(MILLI);
    let again = log_in(&office);
    assert_eq!(again.user.user_id, other.user.user_id);
    assert_eq!(check(&office, &again), AccessVerdict::Valid);
    clock.advance(30 * DAY - MILLI);
    assert_eq!(refresh(&office, &other), TokenVerdict::Expired);
    issued(refresh(&office, &again));
}

#[test]
fn a_socket_gets_its_user() {
    let Fixture { office, .. } = fixture();
    let tokens = log_in(&office);
    let SocketVerdict::Verified(user) = ask(&office, SocketRequest::new(tokens.access_token.clone())) else {
        panic!("the token is good");
    };
    assert_eq!(*user, tokens.user);
    let refused = ask(&office, SocketRequest::new(tokens.refresh_token.clone()));
    assert_eq!(refused, SocketVerdict::Refused(AccessVerdict::Invalid));
    assert!(now(office.revoke_login(&tokens.access_token)));
    let refused = ask(&office, SocketRequest::new(tokens.access_token));
    assert_eq!(refused, SocketVerdict::Refused(AccessVerdict::Invalid));
}

// Contract: TT-14.
#[test]
fn a_backend_updates_a_user_who_keeps_the_id() {
    let Fixture { office, .. } = fixture();
    let first = ticket_for(&office, Profile::new("287", "Ann Example"));
    let update = |key, name: &'static str| ask(&office, UserUpdate::new(key, Profile::new("287", name)));
    assert_eq!(update(app_key(), "Ann"), UserVerdict::KeyRefused(KeyRefusal::Unknown));
    assert_eq!(update(server_key(), "Ann Married"), UserVerdict::Saved(first.user_id));
    let tokens = issued(exchange(&office, &first.ticket));
    assert_eq!(tokens.user.profile.full_name, "Ann Married");
    let UserVerdict::Saved(new) = ask(&office, UserUpdate::new(server_key(), Profile::new("288", "Bob"))) else {
        panic!("the key is good");
    };
    assert_ne!(new, tokens.user.user_id);
}

// Contract: TT-5.
#[test]
fn the_settings_need_an_app_key() {
    let Fixture { office, .. } = fixture();
    assert_eq!(ask(&office, ConfigsRequest::new(app_key())), ConfigsVerdict::Allowed);
    let refused = ask(&office, ConfigsRequest::new(server_key()));
    assert_eq!(refused, ConfigsVerdict::KeyRefused(KeyRefusal::Unknown));
}

#[test]
fn a_revocation_by_a_clock_that_was_set_back_takes_nothing_back() {
    let Fixture { clock, office, .. } = fixture();
    clock.set(START + HOUR);
    let tokens = log_in(&office);
    for revoked_at in [START + HOUR, START + HOUR / 2] {
        clock.set(revoked_at);
        now(office.revoke_user(&tokens.user.user_id));
        assert_eq!(check(&office, &tokens), AccessVerdict::Invalid, "{revoked_at:?}");
    }
    clock.set(START + HOUR + MILLI);
    assert_eq!(check(&office, &log_in(&office)), AccessVerdict::Valid);
}

#[test]
fn a_revocation_is_kept_for_as_long_as_a_ticket() {
    let Fixture { clock, office, .. } = fixture();
    let office = office.ticket_ttl(60 * DAY).unwrap();
    let ticket = ticket_for(&office, Profile::new("287", "Ann Example"));
    now(office.revoke_user(&ticket.user_id));
    clock.advance(60 * DAY);
    clock.set(START + 60 * DAY - MILLI);
    assert_eq!(exchange(&office, &ticket.ticket), TokenVerdict::Invalid);
}
