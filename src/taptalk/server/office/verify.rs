use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use futures_util::future::{try_join, try_join3};
use http::Request;

use super::{
    TicketOffice,
    holder::Holder,
    login::{Login, Record},
    user::{KEPT, YEAR, find_or_reserve, read_profile, read_time, write_profile},
};
use crate::{
    BoxError, Verifier,
    clock::millis,
    store::Store,
    taptalk::{
        AccessCheck, AccessVerdict, ConfigsRequest, ConfigsVerdict, Logout, Profile, SocketRequest, SocketVerdict,
        Ticket, TicketExchange, TicketRequest, TicketVerdict, TokenPair, TokenRefresh, TokenVerdict, User, UserUpdate,
        UserVerdict,
    },
    token::CheckError,
};

/// How much longer than its tokens a login is kept, in case the store's clock is ahead of ours.
pub(super) const MARGIN: Duration = Duration::from_secs(60);

impl<S: Store> Verifier<TicketRequest> for TicketOffice<S> {
    async fn verify(&self, request: Request<TicketRequest>) -> Result<TicketVerdict, BoxError> {
        let TicketRequest { server_key, parameters } = request.into_body();
        if let Err(refusal) = self.server_keys.check(&server_key, None, self.clock.now()) {
            return Ok(TicketVerdict::KeyRefused(refusal));
        }
        let profile = parameters.profile;
        let user = find_or_reserve(&*self.store, &self.tenant, &profile).await?;
        let login = Login::new(user, self.clock.unix_millis())?;
        try_join(
            self.store.put(&user.key(&self.tenant), write_profile(&profile), KEPT),
            self.store.put(&login.key(&self.tenant), login.ticket_record(), self.ticket_ttl.saturating_add(MARGIN)),
        )
        .await?;
        let issued = self.ticket.issue_with_id(login.token_id(), b"", &[], after(self.clock.now(), self.ticket_ttl));
        Ok(TicketVerdict::Issued(Ticket::new(user.to_string(), issued.token)))
    }
}

impl<S: Store> Verifier<TicketExchange> for TicketOffice<S> {
    async fn verify(&self, request: Request<TicketExchange>) -> Result<TokenVerdict, BoxError> {
        let TicketExchange { ticket, app_key, device } = request.into_body();
        if let Err(refusal) = self.app_keys.check(&app_key, Some(&device), self.clock.now()) {
            return Ok(TokenVerdict::KeyRefused(refusal));
        }
        let login = match self.ticket.check(ticket.expose_secret(), &[]) {
            Ok(checked) => Login::from_id(checked.id),
            Err(CheckError::Expired) => return Ok(TokenVerdict::Expired),
            Err(_) => return Ok(TokenVerdict::Invalid),
        };
        let holder = Holder::new(app_key.id, device.identifier);
        if self.single_use { self.exchange(login, &holder).await } else { self.begin(login, &holder).await }
    }
}

impl<S: Store> Verifier<TokenRefresh> for TicketOffice<S> {
    async fn verify(&self, request: Request<TokenRefresh>) -> Result<TokenVerdict, BoxError> {
        let TokenRefresh { refresh_token, app_key, device } = request.into_body();
        let (login, holder) = match self.holder(&self.refresh, &refresh_token, app_key.as_ref(), &device) {
            Ok(found) => found,
            Err(refused) => return Ok(refused.into()),
        };
        let (office, background) = (self.clone(), &self.background);
        background.run_to_end(async move { office.refresh_patiently(login, &holder).await }).await
    }
}

impl<S: Store> Verifier<AccessCheck> for TicketOffice<S> {
    async fn verify(&self, request: Request<AccessCheck>) -> Result<AccessVerdict, BoxError> {
        let AccessCheck { access_token, app_key, device } = request.into_body();
        let (login, _) = match self.holder(&self.access, &access_token, app_key.as_ref(), &device) {
            Ok(found) => found,
            Err(refused) => return Ok(refused.into()),
        };
        Ok(self.user_of(login).await?.err().unwrap_or(AccessVerdict::Valid))
    }
}

impl<S: Store> Verifier<SocketRequest> for TicketOffice<S> {
    async fn verify(&self, request: Request<SocketRequest>) -> Result<SocketVerdict, BoxError> {
        let SocketRequest { access_token, app_key, device } = request.into_body();
        let (login, _) = match self.holder(&self.access, &access_token, app_key.as_ref(), &device) {
            Ok(found) => found,
            Err(refused) => return Ok(SocketVerdict::Refused(refused.into())),
        };
        Ok(match self.user_of(login).await? {
            Ok(profile) => SocketVerdict::Verified(Box::new(User::new(login.user.to_string(), profile))),
            Err(refused) => SocketVerdict::Refused(refused),
        })
    }
}

impl<S: Store> Verifier<Logout> for TicketOffice<S> {
    async fn verify(&self, request: Request<Logout>) -> Result<AccessVerdict, BoxError> {
        let Logout { access_token, app_key, device } = request.into_body();
        let (login, _) = match self.holder(&self.access, &access_token, Some(&app_key), &device) {
            Ok(found) => found,
            Err(refused) => return Ok(refused.into()),
        };
        let (store, key) = (Arc::clone(&self.store), login.key(&self.tenant));
        let ended = self.background.run_to_end(async move { store.take(&key).await }).await?;
        Ok(if ended.is_some() { AccessVerdict::Valid } else { AccessVerdict::Invalid })
    }
}

impl<S: Store> Verifier<ConfigsRequest> for TicketOffice<S> {
    async fn verify(&self, request: Request<ConfigsRequest>) -> Result<ConfigsVerdict, BoxError> {
        let ConfigsRequest { app_key, device } = request.into_body();
        let checked = self.app_keys.check(&app_key, Some(&device), self.clock.now());
        Ok(checked.map_or_else(ConfigsVerdict::KeyRefused, |()| ConfigsVerdict::Allowed))
    }
}

impl<S: Store> Verifier<UserUpdate> for TicketOffice<S> {
    async fn verify(&self, request: Request<UserUpdate>) -> Result<UserVerdict, BoxError> {
        let UserUpdate { server_key, profile } = request.into_body();
        if let Err(refusal) = self.server_keys.check(&server_key, None, self.clock.now()) {
            return Ok(UserVerdict::KeyRefused(refusal));
        }
        let user = find_or_reserve(&*self.store, &self.tenant, &profile).await?;
        self.store.put(&user.key(&self.tenant), write_profile(&profile), KEPT).await?;
        Ok(UserVerdict::Saved(user.to_string()))
    }
}

/// The record of a login, and the stored value that it was decoded from.
type Known = (Record, Bytes);

impl<S: Store> TicketOffice<S> {
    /// Exchanges a single-use ticket: only one of any number of attempts gets tokens.
    async fn exchange(&self, login: Login, holder: &Holder) -> Result<TokenVerdict, BoxError> {
        let Some(first) = login.next() else { return Ok(TokenVerdict::Invalid) };
        let renewed = Record {
            generation: first.generation(),
            renewed_at: self.clock.unix_millis(),
            // The holder is needed only to recognise a repeat within the window.
            holder: (!self.ticket_grace.is_zero()).then(|| holder.tag()),
        };
        let (exchanged, profile, revoked) = try_join3(
            self.store.replace(&login.key(&self.tenant), login.ticket_record(), renewed.encode(), self.login_ttl()),
            self.store.get(&login.user.key(&self.tenant)),
            self.store.get(&login.user.revocation_key(&self.tenant)),
        )
        .await?;
        if let Some(revoked) = revoked
            && login.began_at() <= read_time(&revoked)?
        {
            return Ok(TokenVerdict::Invalid);
        }
        match (exchanged, profile) {
            (true, Some(profile)) => Ok(self.issued(first, renewed, holder, read_profile(&profile)?)),
            (true, None) => Ok(TokenVerdict::NoUser),
            (false, _) => self.exchange_again(login, holder).await,
        }
    }

    /// Issues the same tokens again if the same app on the same device repeats its exchange within the window.
    async fn exchange_again(&self, login: Login, holder: &Holder) -> Result<TokenVerdict, BoxError> {
        if self.ticket_grace.is_zero() {
            return Ok(TokenVerdict::Invalid);
        }
        let (Some((record, _)), Some(profile)) = self.look_up(login).await? else { return Ok(TokenVerdict::Invalid) };
        let repeated = record.generation == 1 && record.holder == Some(holder.tag());
        if !repeated || !self.is_within(self.ticket_grace, record) {
            return Ok(TokenVerdict::Invalid);
        }
        Ok(self.issued(login.in_generation(1), record, holder, profile))
    }

    /// Exchanges a ticket that is good for several exchanges: begins a new login of its user.
    async fn begin(&self, login: Login, holder: &Holder) -> Result<TokenVerdict, BoxError> {
        let (record, profile) = self.look_up(login).await?;
        if record.is_none_or(|(record, _)| record.generation != 0) {
            return Ok(TokenVerdict::Invalid);
        }
        let Some(profile) = profile else { return Ok(TokenVerdict::NoUser) };
        let record = Record { generation: 1, renewed_at: self.clock.unix_millis(), holder: None };
        loop {
            // It begins with its ticket, not now: if its user's logins are revoked meanwhile, it is one of them.
            let Some(first) = Login::new(login.user, login.began_at())?.next() else {
                return Ok(TokenVerdict::Invalid);
            };
            // Logins of one ticket differ only in their random bytes.
            if self.store.claim(&first.key(&self.tenant), record.encode(), self.login_ttl()).await?.is_none() {
                return Ok(self.issued(first, record, holder, profile));
            }
        }
    }

    /// Retries a refresh while the store fails, for at most `refresh_patience`.
    ///
    /// A client may end its session if a refresh has no verdict. A retry is a repeat, so it needs a grace window.
    async fn refresh_patiently(&self, login: Login, holder: &Holder) -> Result<TokenVerdict, BoxError> {
        let start = self.clock.monotonic();
        let mut tried = Vec::new();
        loop {
            let refreshed = self.refresh_once(login, holder, &mut tried).await;
            let patient = !self.refresh_grace.is_zero()
                && self.clock.monotonic().saturating_sub(start) < self.refresh_patience
                && tokio::runtime::Handle::try_current().is_ok();
            if refreshed.is_ok() || !patient {
                return refreshed;
            }
            tokio::time::sleep(RETRY).await;
        }
    }

    // Contract: TT-10.
    /// Issues the next generation of tokens; repeats them within the grace window; ends the login on later reuse.
    ///
    /// `tried` is what earlier attempts of the same call may have written. To find that is no reuse, even after the
    /// window: the store's answer took that long.
    async fn refresh_once(
        &self,
        login: Login,
        holder: &Holder,
        tried: &mut Vec<Record>,
    ) -> Result<TokenVerdict, BoxError> {
        let key = login.key(&self.tenant);
        loop {
            let (record, profile) = self.look_up(login).await?;
            let (Some((record, value)), Some(next)) = (record, login.next()) else { return Ok(TokenVerdict::Invalid) };
            let Some(profile) = profile else { return Ok(TokenVerdict::NoUser) };
            if record.generation == login.generation() {
                let renewed =
                    Record { generation: next.generation(), renewed_at: self.clock.unix_millis(), holder: None };
                let replaced = self.store.replace(&key, value, renewed.encode(), self.login_ttl()).await;
                if replaced.is_err() {
                    tried.push(renewed);
                }
                if replaced? {
                    return Ok(self.issued(next, renewed, holder, profile));
                }
                // Another request changed the record meanwhile: read it again.
                continue;
            }
            if tried.contains(&record)
                || record.generation == next.generation() && self.is_within(self.refresh_grace, record)
            {
                return Ok(self.issued(next, record, holder, profile));
            }
            // A reuse after the window, or after the successor was used, counts as theft.
            self.store.take(&key).await?;
            return Ok(TokenVerdict::Invalid);
        }
    }

    /// The profile of a live login's user, or the verdict that refuses the login.
    async fn user_of(&self, login: Login) -> Result<Result<Profile, AccessVerdict>, BoxError> {
        let (record, profile) = self.look_up(login).await?;
        // A store that returned to an older state refuses a token that is newer than that state.
        let known = record.is_some_and(|(record, _)| login.generation() <= record.generation);
        Ok(match (known, profile) {
            (false, _) => Err(AccessVerdict::Invalid),
            (true, None) => Err(AccessVerdict::NoUser),
            (true, Some(profile)) => Ok(profile),
        })
    }

    /// The record of a login, if the login is live, and its user's profile.
    pub(super) async fn look_up(&self, login: Login) -> Result<(Option<Known>, Option<Profile>), BoxError> {
        let (value, profile, revoked) = try_join3(
            self.store.get(&login.key(&self.tenant)),
            self.store.get(&login.user.key(&self.tenant)),
            self.store.get(&login.user.revocation_key(&self.tenant)),
        )
        .await?;
        let revoked = revoked.map(|time| read_time(&time)).transpose()?;
        let record = value.and_then(|value| Some((Record::decode(&value)?, value)));
        let record = record.filter(|_| revoked.is_none_or(|revoked| revoked < login.began_at()));
        Ok((record, profile.map(|profile| read_profile(&profile)).transpose()?))
    }

    /// Whether a login was renewed less than `window` ago. The difference may be negative, as the nodes' clocks may
    /// differ.
    fn is_within(&self, window: Duration, record: Record) -> bool {
        self.clock.unix_millis().abs_diff(record.renewed_at) < millis(window)
    }

    /// The tokens of a login that was renewed at `record.renewed_at`. The same arguments give the same tokens.
    fn issued(&self, login: Login, record: Record, holder: &Holder, profile: Profile) -> TokenVerdict {
        let renewed_at = SystemTime::UNIX_EPOCH + Duration::from_millis(record.renewed_at);
        let (id, binding) = (login.token_id(), holder.binding());
        let access = self.access.issue_with_id(id, b"", &binding, after(renewed_at, self.access_token_ttl));
        let refresh = self.refresh.issue_with_id(id, b"", &binding, after(renewed_at, self.refresh_token_ttl));
        TokenVerdict::Issued(Box::new(TokenPair::new(
            (access.token, access.expires_at),
            (refresh.token, refresh.expires_at),
            User::new(login.user.to_string(), profile),
        )))
    }

    pub(super) fn login_ttl(&self) -> Duration {
        self.refresh_token_ttl.max(self.access_token_ttl).saturating_add(MARGIN)
    }
}

/// The pause between two attempts of a refresh.
const RETRY: Duration = Duration::from_millis(100);

/// `time + ttl`, with the lifetime limited to 5,000 years so that the sum does not overflow.
fn after(time: SystemTime, ttl: Duration) -> SystemTime {
    const LONG: Duration = YEAR.saturating_mul(5_000);
    time + ttl.min(LONG)
}
