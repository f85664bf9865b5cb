use std::{sync::Arc, time::Duration};

use tower_verify::{
    Secret,
    taptalk::{AccessVerdict, TokenPair, TokenVerdict},
};

use super::{Holder, Settings};
use crate::{
    call::{Asked, End},
    world::{World, millis},
};

/// The knowledge of the clients, and thus the answers that the office may give.
pub(super) struct Model {
    world: Arc<World>,
    settings: Settings,
    pub(super) users: Vec<User>,
    pub(super) logins: Vec<Login>,
}

#[derive(Default)]
pub(super) struct User {
    pub(super) id: Option<String>,
    revocations: Vec<Revocation>,
}

/// A call of `revoke_user`. Its time is between two times of the wall clock.
struct Revocation {
    from: u64,
    to: u64,
    confirmed: Option<Duration>,
}

pub(super) struct Login {
    user: usize,
    /// The login whose ticket this one's is: another one if tickets are good for several exchanges.
    pub(super) origin: usize,
    pub(super) ticket: Secret,
    pub(super) holder: Holder,
    /// The wall times between which the ticket was issued.
    began: (u64, u64),
    /// The pairs of the generations from 1 on.
    pub(super) pairs: Vec<Pair>,
    /// For each generation, the ticket's first: when it was tried to exchange it for the next one, and when a client
    /// first had the next one.
    uses: Vec<Use>,
    /// Since when nothing of this login may be admitted, and why.
    dead: Option<(Duration, &'static str)>,
    /// Whether somebody tried to end the login.
    pub(super) may_be_dead: bool,
    /// When the call began that got the ticket.
    asked: Duration,
}

#[derive(Default, Clone)]
struct Use {
    tries: usize,
    /// How many tries have not been answered, and may still be under way.
    open: usize,
    first_try: Option<Duration>,
    done: Option<Duration>,
}

#[derive(Clone)]
pub(super) struct Pair {
    pub(super) access: Secret,
    pub(super) refresh: Secret,
    pub(super) access_until: u64,
    pub(super) refresh_until: u64,
    /// When the call began that got it first, and when it ended.
    asked: Duration,
    got: Duration,
}

impl Holder {
    /// Whether tokens that are bound to this holder are good for `other`.
    fn includes(&self, other: &Self) -> bool {
        self.app == other.app && (self.device.is_none() || self.device == other.device)
    }
}

impl Model {
    pub(super) fn new(world: Arc<World>, settings: Settings, users: usize) -> Self {
        Self { world, settings, users: (0..users).map(|_| User::default()).collect(), logins: Vec::new() }
    }

    /// A call that saves a user has ended, with this id or without a verdict.
    pub(super) fn saved<V>(&mut self, user: usize, id: Option<&str>, asked: &Asked<V>) {
        self.has_verdict(asked, "a user");
        let Some(id) = id else { return };
        let known = self.users[user].id.get_or_insert_with(|| id.to_owned());
        if known != id {
            self.world.broken("a user has two ids");
        }
    }

    pub(super) fn ticket_issued<V>(&mut self, user: usize, ticket: Secret, asked: &Asked<V>) {
        let app = if user.is_multiple_of(2) { "android" } else { "web" };
        let device = (user != 0).then(|| format!("device-{user}"));
        self.begin(user, ticket, Holder { app, device }, asked.range(), asked.started, None);
    }

    fn begin(
        &mut self,
        user: usize,
        ticket: Secret,
        holder: Holder,
        began: (u64, u64),
        asked: Duration,
        origin: Option<usize>,
    ) {
        self.logins.push(Login {
            user,
            origin: origin.unwrap_or(self.logins.len()),
            ticket,
            holder,
            began,
            pairs: Vec::new(),
            uses: vec![Use::default()],
            dead: None,
            may_be_dead: false,
            asked,
        });
    }

    pub(super) fn exchange_begins(&mut self, login: usize, holder: &Holder) {
        self.try_use(login, 0);
        // The first exchange binds the login to its holder, whoever that is.
        if self.settings.single_use && self.logins[login].pairs.is_empty() {
            self.logins[login].holder = holder.clone();
        }
    }

    pub(super) fn exchanged(&mut self, login: usize, holder: &Holder, asked: &Asked<TokenVerdict>) {
        let ticket_until = (
            self.logins[login].began.0 + self.settings.ticket_ttl.as_millis() as u64,
            self.logins[login].began.1.saturating_add(self.settings.ticket_ttl.as_millis() as u64),
        );
        self.has_verdict(asked, "an exchange");
        let End::Verdict(verdict) = &asked.end else { return };
        self.answered(login, 0, true);
        match verdict {
            TokenVerdict::Issued(pair) => {
                self.admitted(login, asked, ticket_until.1, "a ticket was exchanged");
                if self.settings.single_use {
                    self.issued(login, 1, holder, pair, asked);
                } else {
                    // Each exchange begins another login, which ends with its user's others.
                    let Login { user, ticket, began, .. } = &self.logins[login];
                    self.begin(*user, ticket.clone(), holder.clone(), *began, asked.started, Some(login));
                    let number = self.logins.len() - 1;
                    self.issued(number, 1, holder, pair, asked);
                }
            }
            TokenVerdict::Expired => self.expired(asked, ticket_until.0),
            TokenVerdict::NoUser => self.world.broken("the user of a ticket is unknown"),
            _ => {
                let known = &self.logins[login];
                let first = !self.settings.single_use || known.uses[0].tries == 1;
                let left = self.settings.ticket_ttl;
                if first && known.pairs.is_empty() && !self.may_have_ended(login, asked, left) {
                    self.world.broken("a good ticket was refused");
                }
            }
        }
    }

    /// Notes an attempt. Returns whether it is surely a theft, which ends the login.
    pub(super) fn refresh_begins(&mut self, login: usize, generation: usize, holder: &Holder) -> bool {
        let (now, grace) = (self.world.now(), self.settings.refresh_grace);
        let skew = Duration::from_millis(self.world.skew());
        // A pause may make a call longer than any grace.
        let timely = !self.world.faults.clocks && !self.world.faults.crashes;
        let known = &mut self.logins[login];
        known.uses.resize(known.uses.len().max(generation + 2), Use::default());
        if !known.holder.includes(holder) {
            return false;
        }
        let successor = &known.uses[generation + 1];
        let first = known.uses[generation].first_try.is_none() && known.pairs.len() == generation;
        let repeat = known.uses[generation]
            .first_try
            .is_some_and(|first| timely && now + Duration::from_secs(6) + skew < first + grace);
        let safe = successor.first_try.is_none() && (first || repeat);
        let late = |renewed: &Pair| !self.world.faults.clocks && now > renewed.got + grace + skew;
        let theft = successor.done.is_some() || known.pairs.get(generation).is_some_and(late);
        // A slow refresh that finds its successor used looks like a theft.
        let overtakes = known.uses[generation - 1].open > 0;
        known.may_be_dead |= !safe || overtakes;
        self.try_use(login, generation);
        theft
    }

    /// Tells the model how a refresh ended. Returns whether the token was not expired.
    pub(super) fn refreshed(
        &mut self,
        login: usize,
        generation: usize,
        holder: &Holder,
        asked: &Asked<TokenVerdict>,
    ) -> bool {
        let Pair { refresh_until, .. } = self.logins[login].pairs[generation - 1];
        let bound = self.logins[login].holder.includes(holder);
        self.has_verdict(asked, "a refresh");
        if let End::Verdict(verdict) = &asked.end {
            self.answered(login, generation, bound);
            match verdict {
                TokenVerdict::Issued(pair) => {
                    if !bound {
                        self.world.broken("another holder refreshed the tokens");
                    }
                    self.admitted(login, asked, refresh_until, "tokens were refreshed");
                    self.issued(login, generation + 1, holder, pair, asked);
                }
                TokenVerdict::Expired => self.expired(asked, refresh_until),
                TokenVerdict::NoUser => self.world.broken("the user of a login is unknown"),
                TokenVerdict::OtherClient if bound => self.world.broken("the holder of a refresh token was refused"),
                TokenVerdict::Invalid => {
                    if !self.may_have_ended(login, asked, self.settings.refresh_ttl) {
                        self.world.broken("a good refresh token was refused");
                    }
                    self.dead(login, asked.ended, "a refresh was refused");
                }
                _ => {}
            }
        }
        asked.steady && asked.wall.1 < refresh_until
    }

    pub(super) fn checked(&mut self, login: usize, generation: usize, holder: &Holder, asked: &Asked<AccessVerdict>) {
        let until = self.logins[login].pairs[generation - 1].access_until;
        let bound = self.logins[login].holder.includes(holder);
        self.has_verdict(asked, "a check");
        let End::Verdict(verdict) = &asked.end else { return };
        match verdict {
            AccessVerdict::Valid if !bound => self.world.broken("another holder was admitted"),
            AccessVerdict::Valid => self.admitted(login, asked, until, "an access token was good"),
            AccessVerdict::Expired => self.expired(asked, until),
            AccessVerdict::NoUser => self.world.broken("the user of a login is unknown"),
            AccessVerdict::OtherClient if bound => self.world.broken("the holder of an access token was refused"),
            AccessVerdict::Invalid if !self.may_have_ended(login, asked, self.settings.access_ttl) => {
                self.world.broken("a good access token was refused");
            }
            _ => {}
        }
    }

    /// Returns whether the logout surely ends the login, if nothing hinders it.
    pub(super) fn logged_out(
        &mut self,
        login: usize,
        generation: usize,
        holder: &Holder,
        asked: &Asked<AccessVerdict>,
    ) -> bool {
        let until = self.logins[login].pairs[generation - 1].access_until;
        let bound = self.logins[login].holder.includes(holder);
        self.has_verdict(asked, "a logout");
        match &asked.end {
            End::Verdict(AccessVerdict::Valid | AccessVerdict::Invalid) if bound => {
                self.dead(login, asked.ended, "its user logged out");
            }
            End::Verdict(AccessVerdict::Valid) => self.world.broken("another holder logged a user out"),
            _ => {}
        }
        bound && asked.steady && asked.wall.1 < until
    }

    pub(super) fn revocation_begins(&mut self, user: usize) -> usize {
        self.users[user].revocations.push(Revocation { from: 0, to: u64::MAX, confirmed: None });
        self.users[user].revocations.len() - 1
    }

    pub(super) fn revoked(&mut self, user: usize, number: usize, asked: &Asked<bool>) {
        self.has_verdict(asked, "a revocation");
        let revocation = &mut self.users[user].revocations[number];
        (revocation.from, revocation.to) = asked.range();
        if matches!(asked.end, End::Verdict(true)) {
            revocation.confirmed = Some(asked.ended);
        }
    }

    pub(super) fn revocation_confirmed(&mut self, user: usize, number: usize) {
        self.users[user].revocations[number].confirmed = Some(self.world.now());
    }

    /// Nothing of this login may be admitted from now on.
    pub(super) fn dead(&mut self, login: usize, since: Duration, why: &'static str) {
        self.logins[login].may_be_dead = true;
        self.logins[login].dead.get_or_insert((since, why));
    }

    fn try_use(&mut self, login: usize, generation: usize) {
        let now = self.world.now();
        let tried = &mut self.logins[login].uses[generation];
        tried.tries += 1;
        tried.open += 1;
        tried.first_try.get_or_insert(now);
    }

    fn answered(&mut self, login: usize, generation: usize, tried: bool) {
        self.logins[login].uses[generation].open -= usize::from(tried);
    }

    /// Checks a pair that was issued as this generation.
    fn issued(
        &mut self,
        login: usize,
        generation: usize,
        holder: &Holder,
        pair: &TokenPair,
        asked: &Asked<TokenVerdict>,
    ) {
        let (access_ttl, refresh_ttl) =
            (self.settings.access_ttl.as_millis() as u64, self.settings.refresh_ttl.as_millis() as u64);
        let (access_until, refresh_until) = (millis(pair.access_token_expiry), millis(pair.refresh_token_expiry));
        let renewed_at = access_until.saturating_sub(access_ttl);
        if refresh_until != renewed_at + refresh_ttl {
            self.world.broken("the tokens of a pair were not issued at the same time");
        }
        let known = &mut self.logins[login];
        let grace = if generation == 1 { self.settings.ticket_grace } else { self.settings.refresh_grace };
        if asked.steady && asked.wall.0 >= renewed_at + (grace.as_millis() as u64).max(1) {
            self.world.broken("a use was repeated after its grace");
        }
        if known.uses.get(generation).is_some_and(|next| next.done.is_some_and(|done| done < asked.started)) {
            self.world.broken("a use was repeated after its successor was used");
        }
        known.uses[generation - 1].done.get_or_insert(asked.ended);
        match known.pairs.get(generation - 1) {
            Some(first) if first.access != pair.access_token || first.refresh != pair.refresh_token => {
                self.world.broken("one use got two different pairs of tokens");
            }
            Some(_) if grace.is_zero() => self.world.broken("a use without a grace succeeded twice"),
            Some(_) => {}
            None => {
                known.pairs.push(Pair {
                    access: pair.access_token.clone(),
                    refresh: pair.refresh_token.clone(),
                    access_until,
                    refresh_until,
                    asked: asked.started,
                    got: asked.ended,
                });
                known.uses.resize(known.uses.len().max(generation + 1), Use::default());
                if generation == 1 {
                    known.holder = holder.clone();
                }
            }
        }
        let id = self.users[self.logins[login].user].id.as_deref();
        if id != Some(pair.user.user_id.as_str()) {
            self.world.broken("tokens were issued for another user");
        }
    }

    /// Checks that something of this login, good until `until`, may be admitted.
    fn admitted<V>(&self, login: usize, asked: &Asked<V>, until: u64, what: &str) {
        let known = &self.logins[login];
        if let Some((since, why)) = known.dead
            && since < asked.started
        {
            self.world.broken(&format!("{what} of a login that had ended: {why}"));
        }
        let revoked = |revocation: &Revocation| {
            revocation.confirmed.is_some_and(|confirmed| known.asked < confirmed && confirmed < asked.started)
                && revocation.from >= known.began.1
        };
        if self.users[known.user].revocations.iter().any(revoked) {
            self.world.broken(&format!("{what} after the user's logins were revoked"));
        }
        if asked.steady && asked.wall.0 >= until {
            self.world.broken(&format!("{what} after it had expired"));
        }
    }

    /// Checks that something which was good until `until` may be refused as expired.
    fn expired<V>(&self, asked: &Asked<V>, until: u64) {
        if asked.steady && asked.wall.1 < until {
            self.world.broken("a token was refused as expired before its time");
        }
    }

    /// Whether a login may have ended, so that its tokens, which live for `ttl`, may be refused.
    fn may_have_ended<V>(&self, login: usize, asked: &Asked<V>, ttl: Duration) -> bool {
        let known = &self.logins[login];
        let revoked = |revocation: &Revocation| revocation.to >= known.began.0;
        // The store keeps a login for longer than its tokens are good, by true time.
        let old = asked.ended >= known.pairs.last().map_or(known.asked, |pair| pair.asked) + ttl;
        known.may_be_dead || old || self.users[known.user].revocations.iter().any(revoked)
    }

    /// Where nothing is wrong, there is a verdict.
    fn has_verdict<V>(&self, asked: &Asked<V>, what: &str) {
        if asked.calm && matches!(asked.end, End::Failed(_)) {
            self.world.broken(&format!("{what} had no verdict although nothing was wrong"));
        }
    }
}

impl<V> Asked<V> {
    /// The range of what the node's wall clock showed.
    fn range(&self) -> (u64, u64) {
        if self.steady { self.wall } else { (0, u64::MAX) }
    }
}
