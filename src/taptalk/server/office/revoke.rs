use bytes::Bytes;

use super::{TicketOffice, login::Login, user::UserId};
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
    /// The nodes' clocks must agree: a login that began on a node whose clock is ahead is not ended.
    ///
    /// # Errors
    /// If the store fails. The logins may then still be good.
    pub async fn revoke_user(&self, user_id: &str) -> Result<(), StoreError> {
        let Some(user) = UserId::from_text(user_id) else { return Ok(()) };
        let now = Bytes::copy_from_slice(&self.clock.unix_millis().to_be_bytes());
        let (store, key) = (self.store.clone(), user.revocation_key(&self.tenant));
        let kept = self.login_ttl().max(self.ticket_ttl);
        self.background.run_to_end(async move { store.put(&key, now, kept).await }).await
    }
}
