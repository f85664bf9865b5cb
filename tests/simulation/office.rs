//! Clients of the ticket office, and the model that knows what may be admitted.

mod model;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::time::sleep;
use tower_verify::{
    ConfigError,
    taptalk::{
        AccessCheck, ApiKey, ApiKeys, Device, Logout, Profile, TicketExchange, TicketOffice, TicketParameters,
        TicketRequest, TicketVerdict, TokenRefresh, UserPlatform, UserUpdate, UserVerdict,
    },
    token::{Key, KeyRing},
};

use self::model::Model;
use crate::{
    call::{Asked, End, To, ask},
    network::Remote,
    revoke::{Revoke, Revoking},
    rng::Rng,
    world::{NodeClock, World, lock},
};

pub(crate) type Office = TicketOffice<Remote>;

/// How an office is set up: the same on all nodes of a run.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) ticket_ttl: Duration,
    pub(crate) access_ttl: Duration,
    pub(crate) refresh_ttl: Duration,
    pub(crate) single_use: bool,
    pub(crate) ticket_grace: Duration,
    pub(crate) refresh_grace: Duration,
}

/// The app and the device of a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Holder {
    pub(crate) app: &'static str,
    pub(crate) device: Option<String>,
}

/// How long after its client hung up an operation is over, if no fault hinders it.
const SETTLED: Duration = Duration::from_secs(4);

/// All clients.
pub(crate) struct Clients {
    world: Arc<World>,
    settings: Settings,
    model: Mutex<Model>,
}

impl Holder {
    fn key(&self) -> ApiKey {
        ApiKey::new(self.app, "pl41n")
    }

    fn device(&self) -> Device {
        self.device.as_deref().map(Device::new).unwrap_or_default()
    }
}

impl Settings {
    pub(crate) fn draw(rng: &mut Rng) -> Self {
        let seconds = Duration::from_secs;
        Self {
            ticket_ttl: seconds(rng.pick(&[20, 120, 3600, 8 * 3600])),
            access_ttl: seconds(rng.pick(&[30, 300, 3600])),
            refresh_ttl: seconds(rng.pick(&[120, 1800, 6 * 3600])),
            single_use: rng.percent(75),
            ticket_grace: seconds(rng.pick(&[0, 5])),
            refresh_grace: seconds(rng.pick(&[0, 2, 10, 60])),
        }
    }

    fn office(&self, store: Remote, clock: NodeClock) -> Result<Office, ConfigError> {
        let keys = KeyRing::new(Key::from_bytes("k1", &[7; 32])?);
        TicketOffice::new("sim", store, keys)?
            .server_keys(ApiKeys::new([ApiKey::new("backend", "s3cr3t")])?)
            .app_keys(ApiKeys::new([ApiKey::new("android", "pl41n"), ApiKey::new("web", "pl41n")])?)
            .ticket_ttl(self.ticket_ttl)?
            .access_token_ttl(self.access_ttl)?
            .refresh_token_ttl(self.refresh_ttl)?
            .single_use(self.single_use)
            .ticket_grace(self.ticket_grace)?
            .refresh_grace(self.refresh_grace)
            .map(|office| office.clock(clock))
    }
}

/// A client's action.
#[derive(Debug, Clone)]
pub(crate) enum Action {
    Ticket { user: usize },
    Update { user: usize },
    Exchange { login: usize, holder: Holder },
    Refresh { login: usize, generation: usize, holder: Holder },
    Check { login: usize, generation: usize, holder: Holder },
    Logout { login: usize, generation: usize, holder: Holder },
    RevokeLogin { login: usize, generation: usize, access: bool },
    RevokeUser { user: usize },
}

impl Clients {
    pub(crate) fn new(world: Arc<World>, settings: Settings) -> Self {
        let model = Mutex::new(Model::new(Arc::clone(&world), settings.clone(), 5));
        Self { world, settings, model }
    }

    /// The office of a process.
    pub(crate) fn start(&self, store: Remote, clock: NodeClock) -> Result<Office, ConfigError> {
        self.settings.office(store, clock)
    }

    /// Draws what a client does next.
    pub(crate) fn draw(&self, rng: &mut Rng) -> Action {
        let model = lock(&self.model);
        let user = rng.below(model.users.len() as u64) as usize;
        let logins = model.logins.len();
        if logins == 0 || rng.percent(12) {
            return Action::Ticket { user };
        }
        // Mostly a recent login, and its newest tokens.
        let recent = if rng.percent(85) { logins.min(5) } else { logins };
        // Mostly one that has not ended.
        let mut login = 0;
        for _ in 0..3 {
            login = logins - 1 - rng.below(recent as u64) as usize;
            if !model.logins[login].may_be_dead {
                break;
            }
        }
        let pairs = model.logins[login].pairs.len();
        let mut holder = model.logins[login].holder.clone();
        if rng.percent(4) {
            holder.device = rng.pick(&[None, Some("another".to_owned())]);
        }
        if rng.percent(2) {
            holder.app = if holder.app == "web" { "android" } else { "web" };
        }
        let older = if rng.percent(75) { 0 } else { rng.between(1, 2) as usize };
        let generation = pairs.saturating_sub(older).max(1);
        match rng.below(100) {
            0..3 => Action::RevokeUser { user },
            3..6 => Action::Update { user },
            6..20 => Action::Exchange { login: model.logins[login].origin, holder },
            _ if pairs == 0 => Action::Exchange { login, holder },
            20..50 => Action::Refresh { login, generation, holder },
            50..54 => Action::Logout { login, generation, holder },
            54..57 => Action::RevokeLogin { login, generation, access: rng.percent(50) },
            _ => Action::Check { login, generation, holder },
        }
    }

    /// Makes a call, and tells the model.
    pub(crate) async fn act(&self, office: Office, to: To, action: Action) {
        match action.clone() {
            Action::Ticket { user } => self.ticket(office, to, action, user).await,
            Action::Update { user } => {
                let credential = UserUpdate::new(ApiKey::new("backend", "s3cr3t"), profile(user));
                let asked = ask(&self.world, &to, office, credential, &action).await;
                let id = match &asked.end {
                    End::Verdict(UserVerdict::Saved(id)) => Some(id.clone()),
                    _ => None,
                };
                self.model().saved(user, id.as_deref(), &asked);
            }
            Action::Exchange { login, holder } => {
                let ticket = self.model().logins[login].ticket.clone();
                let credential = TicketExchange::new(ticket, holder.key()).with_device(holder.device());
                self.model().exchange_begins(login, &holder);
                let asked = ask(&self.world, &to, office, credential, &action).await;
                self.model().exchanged(login, &holder, &asked);
            }
            Action::Refresh { login, generation, holder } => {
                let probed = office.clone();
                let token = self.model().logins[login].pairs[generation - 1].refresh.clone();
                let credential = TokenRefresh::new(token).with_app_key(holder.key()).with_device(holder.device());
                let theft = self.model().refresh_begins(login, generation, &holder);
                let asked = ask(&self.world, &to, office, credential, &action).await;
                let theft = self.model().refreshed(login, generation, &holder, &asked) && theft;
                if theft {
                    self.ends_in_background(probed, &asked, &to, login, "a stolen refresh token was used").await;
                }
            }
            Action::Check { login, generation, holder } => {
                let token = self.model().logins[login].pairs[generation - 1].access.clone();
                let credential = AccessCheck::new(token).with_app_key(holder.key()).with_device(holder.device());
                let asked = ask(&self.world, &to, office, credential, &action).await;
                self.model().checked(login, generation, &holder, &asked);
            }
            Action::Logout { login, generation, holder } => {
                let probed = office.clone();
                let token = self.model().logins[login].pairs[generation - 1].access.clone();
                let mut credential = Logout::new(token, holder.key());
                credential.device = holder.device();
                self.model().logins[login].may_be_dead = true;
                let asked = ask(&self.world, &to, office, credential, &action).await;
                if self.model().logged_out(login, generation, &holder, &asked) {
                    self.ends_in_background(probed, &asked, &to, login, "its user logged out").await;
                }
            }
            Action::RevokeLogin { login, generation, access } => {
                let pair = self.model().logins[login].pairs[generation - 1].clone();
                let (token, until) =
                    if access { (pair.access, pair.access_until) } else { (pair.refresh, pair.refresh_until) };
                self.model().logins[login].may_be_dead = true;
                let probed = office.clone();
                let revoke = Revoke::new(move || {
                    let (office, token) = (office.clone(), token.clone());
                    Box::pin(async move { office.revoke_login(&token).await.map(|_| ()) })
                });
                let asked = self.revoke(&to, revoke, &action).await;
                let ends = asked.steady && asked.wall.1 < until;
                if ends && matches!(asked.end, End::Verdict(_)) {
                    self.model().dead(login, asked.ended, "it was revoked");
                }
                if ends {
                    self.ends_in_background(probed, &asked, &to, login, "it was revoked").await;
                }
            }
            Action::RevokeUser { user } => self.revoke_user(office, to, action, user).await,
        }
    }

    async fn ticket(&self, office: Office, to: To, action: Action, user: usize) {
        let parameters =
            TicketParameters::new(profile(user), UserPlatform::Android, "7a6c", "203.0.113.7", "okhttp/4.9.1");
        let credential = TicketRequest::new(ApiKey::new("backend", "s3cr3t"), parameters);
        let asked = ask(&self.world, &to, office, credential, &action).await;
        let mut model = self.model();
        match &asked.end {
            End::Verdict(TicketVerdict::Issued(ticket)) => {
                model.saved(user, Some(&ticket.user_id), &asked);
                model.ticket_issued(user, ticket.ticket.clone(), &asked);
            }
            _ => model.saved(user, None, &asked),
        }
    }

    async fn revoke_user(&self, office: Office, to: To, action: Action, user: usize) {
        let Some(id) = self.model().users[user].id.clone() else { return };
        let number = self.model().revocation_begins(user);
        let revoke = Revoke::new(move || {
            let (office, id) = (office.clone(), id.clone());
            Box::pin(async move { office.revoke_user(&id).await })
        });
        let asked = self.revoke(&to, revoke, &action).await;
        self.model().revoked(user, number, &asked);
        if matches!(asked.end, End::HungUp) && self.undisturbed(&asked, &to).await {
            self.model().revocation_confirmed(user, number);
        }
    }

    /// A revocation goes through the layer too, so that it has a deadline and can be cancelled.
    async fn revoke(&self, to: &To, revoke: Revoke, action: &Action) -> Asked<bool> {
        ask(&self.world, to, Revoking, revoke, action).await
    }

    /// The login ends even though its client hung up, if no fault hinders it. A check must not find it alive.
    async fn ends_in_background<V>(&self, office: Office, asked: &Asked<V>, to: &To, login: usize, why: &'static str) {
        if !matches!(asked.end, End::HungUp) || !self.undisturbed(asked, to).await {
            return;
        }
        let (pair, holder, generation) = {
            let mut model = self.model();
            model.dead(login, self.world.now(), why);
            let known = &model.logins[login];
            let Some(pair) = known.pairs.last() else { return };
            (pair.clone(), known.holder.clone(), known.pairs.len())
        };
        sleep(Duration::from_millis(1)).await;
        let credential = AccessCheck::new(pair.access).with_app_key(holder.key()).with_device(holder.device());
        let to = To { patience: None, ..to.clone() };
        let asked = ask(&self.world, &to, office, credential, "after its end").await;
        self.model().checked(login, generation, &holder, &asked);
    }

    /// Waits until what a call has begun is over. Returns whether no fault hindered it.
    async fn undisturbed<V>(&self, asked: &Asked<V>, to: &To) -> bool {
        sleep(SETTLED).await;
        !to.alive.is_closed() && asked.started < asked.ended && self.world.calm_since(to.node, asked.started)
    }

    fn model(&self) -> std::sync::MutexGuard<'_, Model> {
        lock(&self.model)
    }
}

/// The profile of a user. It is the same each time.
fn profile(user: usize) -> Profile {
    Profile::new(format!("user-{user}"), "Ann Example")
}
