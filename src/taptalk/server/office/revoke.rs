use std::{sync::Arc, time::Duration};

use bytes::Bytes;

use super::{
    TicketOffice,
    login::Login,
    user::{UserId, read_time},
    verify::MARGIN,
};
use crate::{
    Secret,
    store::{Store, StoreError},
};

impl<S: Store> TicketOffice<S> {
    /// Ends the login of an access token or a refresh token, whichever app and device it is bound to.
    ///
    /// Returns whether there was a login to end: `false` if it had ended already, or if the token has expired or is not
    /// of this office.
    ///
    /// # Errors
    /// If the store fails. The login may then still be good.
    pub async fn revoke_login(&self, token: &Secret) -> Result<bool, StoreError> {
        let checked = [&self.access, &self.refresh].map(|signer| signer.check_unbound(token.expose_secret()));
        let Some(checked) = checked.into_iter().find_map(Result::ok) else { return Ok(false) };
        let (store, key) = (self.store.clone(), Login::from_id(checked.id).key(&self.tenant));
        Ok(self.background.run_to_end(async move { store.take(&key).await }).await?.is_some())
    }

    /// Ends all present logins of a user, and revokes the user's tickets.
    ///
    /// `user_id` is TapTalk's id of the user: [`Ticket::user_id`](crate::taptalk::Ticket::user_id). Tickets that are
    /// issued afterwards are good. For an id that no user can have, nothing happens.
    ///
    /// The nodes' clocks must agree: a login that began on a node whose clock is ahead is not ended. If the clock of the
    /// node that revokes is ahead, tickets are refused until the other clocks have caught up. A revocation that comes
    /// later, by a clock that is behind, takes nothing back.
    ///
    /// # Errors
    /// If the store fails. The logins may then still be good.
    pub async fn revoke_user(&self, user_id: &str) -> Result<(), StoreError> {
        let Some(user) = UserId::from_text(user_id) else { return Ok(()) };
        let (store, key, now) = (self.store.clone(), user.revocation_key(&self.tenant), self.clock.unix_millis());
        // As long as a login or a ticket may be in the store.
        let kept = self.login_ttl().max(self.ticket_ttl.saturating_add(MARGIN));
        self.background.run_to_end(async move { revoke_until(&store, &key, now, kept).await }).await
    }
}

/// Sets the time until which a user's logins are revoked, unless it is later already.
///
/// A put would overwrite a later time: that of a node whose clock is ahead, or of this node before its clock was set
/// back. The logins in between would be good again.
async fn revoke_until<S: Store>(store: &Arc<S>, key: &str, time: u64, kept: Duration) -> Result<(), StoreError> {
    let encoded = |time: u64| Bytes::copy_from_slice(&time.to_be_bytes());
    while let Some(present) = store.claim(key, encoded(time), kept).await? {
        let latest = read_time(&present)?.max(time);
        if store.replace(key, present, encoded(latest), kept).await? {
            break;
        }
    }
    Ok(())
}
