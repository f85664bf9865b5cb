use bytes::Bytes;

use super::{TicketOffice, login::Login, user::UserId};
use crate::{
    Secret,
    store::{Store, StoreError},
};

impl<S: Store> TicketOffice<S> {
    /// Ends the login that an access token or a refresh token is of, whoever has it. Returns whether it went on until now;
    /// a token that is not this office's, or has expired, is of none.
    ///
    /// # Errors
    /// If the store fails: it may go on.
    pub async fn revoke_login(&self, token: &Secret) -> Result<bool, StoreError> {
        let checked = [&self.access, &self.refresh].map(|signer| signer.check_unbound(token.expose_secret()));
        let Some(checked) = checked.into_iter().find_map(Result::ok) else { return Ok(false) };
        let (store, key) = (self.store.clone(), Login::from_id(checked.id).key(&self.tenant));
        Ok(self.background.run_to_end(async move { store.take(&key).await }).await?.is_some())
    }

    /// Ends every login of a user that has begun until now, and makes its tickets worthless: by TapTalk's id, which is
    /// [`Ticket::user_id`](crate::taptalk::Ticket::user_id). Tickets that are asked for afterwards are good. An id that is no
    /// user's is none that could have a login.
    ///
    /// The nodes' clocks have to agree: a login that began on a node whose clock is ahead goes on.
    ///
    /// # Errors
    /// If the store fails: they may go on.
    pub async fn revoke_user(&self, user_id: &str) -> Result<(), StoreError> {
        let Some(user) = UserId::from_text(user_id) else { return Ok(()) };
        let now = Bytes::copy_from_slice(&self.clock.unix_millis().to_be_bytes());
        let (store, key) = (self.store.clone(), user.revocation_key(&self.tenant));
        let kept = self.login_ttl().max(self.ticket_ttl);
        self.background.run_to_end(async move { store.put(&key, now, kept).await }).await
    }
}
