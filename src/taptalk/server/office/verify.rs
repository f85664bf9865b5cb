use std::time::Duration;

use futures_util::future::try_join;
use http::Request;

use super::{
    TicketOffice,
    login::Login,
    user::{KEPT, find_or_reserve, read_profile, write_profile},
};
use crate::{
    BoxError, Verifier,
    store::Store,
    taptalk::{
        AccessCheck, AccessVerdict, Profile, Ticket, TicketExchange, TicketRequest, TicketVerdict, TokenPair,
        TokenRefresh, TokenVerdict, User,
    },
    token::{CheckError, Signer},
};

/// How much longer than its tokens a login is kept: the store's clock and ours may differ by as much.
const MARGIN: Duration = Duration::from_secs(60);

impl<S: Store> Verifier<TicketRequest> for TicketOffice<S> {
    async fn verify(&self, request: Request<TicketRequest>) -> Result<TicketVerdict, BoxError> {
        let TicketRequest { server_key, parameters } = request.into_body();
        if !self.server_keys.contains(&server_key) {
            return Ok(TicketVerdict::UnknownKey);
        }
        let profile = parameters.profile;
        let user = find_or_reserve(&*self.store, &self.tenant, &profile).await?;
        let login = Login::new(user)?;
        try_join(
            self.store.put(&user.key(&self.tenant), write_profile(&profile), KEPT),
            self.store.put(&login.key(&self.tenant), login.record(), self.ticket_ttl.saturating_add(MARGIN)),
        )
        .await?;
        let issued = self.ticket.issue_with_id(login.token_id(), b"", &[], self.ticket_ttl);
        Ok(TicketVerdict::Issued(Ticket::new(user.to_string(), issued.token)))
    }
}

impl<S: Store> Verifier<TicketExchange> for TicketOffice<S> {
    async fn verify(&self, request: Request<TicketExchange>) -> Result<TokenVerdict, BoxError> {
        let TicketExchange { ticket, app_key } = request.into_body();
        if !self.app_keys.contains(&app_key) {
            return Ok(TokenVerdict::UnknownKey);
        }
        let login = match login(&self.ticket, ticket.expose_secret()) {
            Ok(login) => login,
            Err(refused) => return Ok(refused.into()),
        };
        let tokens = if self.single_use { self.renew(login).await? } else { self.begin(login).await? };
        Ok(tokens.map_or(TokenVerdict::Invalid, |tokens| TokenVerdict::Issued(Box::new(tokens))))
    }
}

impl<S: Store> Verifier<TokenRefresh> for TicketOffice<S> {
    async fn verify(&self, request: Request<TokenRefresh>) -> Result<TokenVerdict, BoxError> {
        let login = match login(&self.refresh, request.body().refresh_token.expose_secret()) {
            Ok(login) => login,
            Err(refused) => return Ok(refused.into()),
        };
        let (office, background) = (self.clone(), &self.background);
        background.run_to_end(async move { office.renew_or_end(login).await }).await
    }
}

impl<S: Store> Verifier<AccessCheck> for TicketOffice<S> {
    async fn verify(&self, request: Request<AccessCheck>) -> Result<AccessVerdict, BoxError> {
        let login = match login(&self.access, request.body().access_token.expose_secret()) {
            Ok(login) => login,
            Err(refused) => return Ok(refused.into()),
        };
        let record = self.store.get(&login.key(&self.tenant)).await?;
        let known = record.is_some_and(|record| login.is_known_to(&record));
        Ok(if known { AccessVerdict::Valid } else { AccessVerdict::Invalid })
    }
}

impl<S: Store> TicketOffice<S> {
    /// The tokens that come after `login`'s. A refresh token that gets none ends the login.
    async fn renew_or_end(&self, login: Login) -> Result<TokenVerdict, BoxError> {
        if let Some(tokens) = self.renew(login).await? {
            return Ok(TokenVerdict::Issued(Box::new(tokens)));
        }
        // The token is ours and has not expired, and so it was used before, or the login has ended already.
        self.store.take(&login.key(&self.tenant)).await?;
        Ok(TokenVerdict::Invalid)
    }

    /// The tokens that come after `login`'s, if they are still to be had: of any number of attempts, one gets them.
    async fn renew(&self, login: Login) -> Result<Option<TokenPair>, BoxError> {
        let Some(next) = login.next() else { return Ok(None) };
        let (renewed, profile) = try_join(
            self.store.replace(&login.key(&self.tenant), login.record(), next.record(), self.login_ttl()),
            self.store.get(&login.user.key(&self.tenant)),
        )
        .await?;
        match profile {
            Some(profile) if renewed => Ok(Some(self.tokens(next, read_profile(&profile)?))),
            _ => Ok(None),
        }
    }

    /// The tokens of a new login of the user whose ticket `login` is, if the ticket is known.
    async fn begin(&self, login: Login) -> Result<Option<TokenPair>, BoxError> {
        let (record, profile) =
            try_join(self.store.get(&login.key(&self.tenant)), self.store.get(&login.user.key(&self.tenant))).await?;
        let (Some(profile), true) = (profile, record == Some(login.record())) else { return Ok(None) };
        let Some(first) = Login::new(login.user)?.next() else { return Ok(None) };
        self.store.put(&first.key(&self.tenant), first.record(), self.login_ttl()).await?;
        Ok(Some(self.tokens(first, read_profile(&profile)?)))
    }

    fn tokens(&self, login: Login, profile: Profile) -> TokenPair {
        let access = self.access.issue_with_id(login.token_id(), b"", &[], self.access_token_ttl);
        let refresh = self.refresh.issue_with_id(login.token_id(), b"", &[], self.refresh_token_ttl);
        TokenPair::new(
            (access.token, access.expires_at),
            (refresh.token, refresh.expires_at),
            User::new(login.user.to_string(), profile),
        )
    }

    fn login_ttl(&self) -> Duration {
        self.refresh_token_ttl.max(self.access_token_ttl).saturating_add(MARGIN)
    }
}

fn login(signer: &Signer, token: &str) -> Result<Login, CheckError> {
    signer.check(token, &[]).map(|checked| Login::from_id(checked.id))
}

impl From<CheckError> for TokenVerdict {
    fn from(refused: CheckError) -> Self {
        match refused {
            CheckError::Expired => Self::Expired,
            _ => Self::Invalid,
        }
    }
}

impl From<CheckError> for AccessVerdict {
    fn from(refused: CheckError) -> Self {
        match refused {
            CheckError::Expired => Self::Expired,
            _ => Self::Invalid,
        }
    }
}
