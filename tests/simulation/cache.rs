//! Sessions behind a cache of verdicts, and the model that knows for how long a verdict may be remembered.

use std::{
    fmt,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use http::Request;
use tokio::time::sleep;
use tower_verify::{
    BoxError, ConfigError, Credential, Failure, Verdict, Verifier,
    policy::{CacheKey, Cached},
};

use crate::{
    call::{Asked, End, To, ask},
    rng::Rng,
    world::{NodeClock, World, lock, millis},
};

pub(crate) type Cache = Cached<Database, fn(&Request<Session>, &mut CacheKey), Found>;

const POSITIVE_TTL: Duration = Duration::from_secs(60);
const NEGATIVE_TTL: Duration = Duration::from_secs(5);

/// How long a verdict of the database is good at least.
const SHORTEST_LIFE: Duration = Duration::from_secs(15);

/// The longest look-up.
const SLOWEST: Duration = Duration::from_secs(2);

/// A session to be checked, and what the database does if it is asked.
#[derive(Clone)]
pub(crate) struct Session {
    user: usize,
    takes: Duration,
    fails: bool,
    life: Duration,
}

impl Credential for Session {
    type Verdict = Found;
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "of user {}, database: fails {} in {:?}", self.user, self.fails, self.takes)
    }
}

/// A verdict of the database, and the look-up that it comes from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Found {
    good: bool,
    look_up: usize,
    expires_at: SystemTime,
}

impl Verdict for Found {
    fn admits(&self) -> bool {
        self.good
    }
}

/// The error of a look-up.
#[derive(Debug)]
struct LookUpFailed(usize);

impl fmt::Display for LookUpFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "look-up {} failed", self.0)
    }
}

impl std::error::Error for LookUpFailed {}

/// The database of one node.
pub(crate) struct Database {
    clock: NodeClock,
    model: Arc<Mutex<Model>>,
}

impl Verifier<Session> for Database {
    async fn verify(&self, request: Request<Session>) -> Result<Found, BoxError> {
        use tower_verify::Clock;

        let Session { user, takes, fails, life } = *request.body();
        let world = &self.clock.world;
        // The database reads when it is asked, and its answer takes a while.
        let (look_up, good) = {
            let mut model = lock(&self.model);
            model.look_ups.push(None);
            (model.look_ups.len() - 1, model.users[user].good)
        };
        sleep(takes).await;
        let paused_until = world.node(self.clock.node).paused_until;
        sleep(paused_until.saturating_sub(world.now())).await;
        let mut model = lock(&self.model);
        model.look_ups[look_up] = Some(world.now());
        if fails {
            model.users[user].disturbed = world.now();
            return Err(LookUpFailed(look_up).into());
        }
        Ok(Found { good, look_up, expires_at: self.clock.now() + life })
    }
}

struct Model {
    users: Vec<User>,
    /// When each look-up ended.
    look_ups: Vec<Option<Duration>>,
}

#[derive(Clone)]
struct User {
    good: bool,
    /// When `good` last changed.
    since: Duration,
    /// For each node, when it last forgot the user.
    forgotten: Vec<Option<Duration>>,
    /// When a look-up last failed. Others may have shared it.
    disturbed: Duration,
}

pub(crate) struct Visitors {
    world: Arc<World>,
    model: Arc<Mutex<Model>>,
}

/// An event at a cache.
#[derive(Debug, Clone)]
pub(crate) enum Action {
    Check(Session),
    /// A user's session ends, or is good again. This node forgets it.
    Change {
        user: usize,
    },
}

impl Visitors {
    pub(crate) fn new(world: Arc<World>) -> Self {
        let forgotten = vec![None; world.nodes()];
        let user = User { good: true, since: Duration::ZERO, forgotten, disturbed: Duration::ZERO };
        Self { world, model: Arc::new(Mutex::new(Model { users: vec![user; 4], look_ups: Vec::new() })) }
    }

    pub(crate) fn cache(&self, clock: NodeClock) -> Result<Cache, ConfigError> {
        let key: fn(&Request<Session>, &mut CacheKey) = |request, key| {
            key.principal(format!("user {}", request.body().user));
        };
        let database = Database { clock: clock.clone(), model: Arc::clone(&self.model) };
        Ok(Cached::new(database, key)?
            .positive_ttl(POSITIVE_TTL)
            .negative_ttl(NEGATIVE_TTL)
            .expires_at(|found: &Found| Some(found.expires_at))
            .clock(clock))
    }

    pub(crate) fn draw(&self, rng: &mut Rng) -> Action {
        let user = rng.below(4) as usize;
        if rng.percent(8) {
            return Action::Change { user };
        }
        let takes = if rng.percent(20) { rng.below(SLOWEST.as_millis() as u64) } else { rng.below(20) };
        let life = rng.pick(&[SHORTEST_LIFE, Duration::from_secs(3600)]);
        Action::Check(Session { user, takes: Duration::from_millis(takes), fails: rng.percent(5), life })
    }

    pub(crate) async fn act(&self, cache: Cache, to: To, action: Action) {
        match action {
            Action::Change { user } => {
                let now = self.world.now();
                let mut model = lock(&self.model);
                let known = &mut model.users[user];
                (known.good, known.since) = (!known.good, now);
                known.forgotten = vec![None; self.world.nodes()];
                known.forgotten[to.node] = Some(now);
                drop(model);
                cache.invalidate(format!("user {user}"));
                self.world.note(|line| {
                    line.push_str(&format!("the session of user {user} changes; node {} forgets it", to.node))
                });
            }
            Action::Check(session) => {
                let before = lock(&self.model).users[session.user].clone();
                let asked = ask(&self.world, &to, cache, session.clone(), &session).await;
                self.check(&session, &before, &asked);
            }
        }
    }

    fn check(&self, session: &Session, before: &User, asked: &Asked<Found>) {
        let Self { world, model } = self;
        let model = lock(model);
        match &asked.end {
            End::Verdict(found) => {
                let unchanged = model.users[session.user].since == before.since;
                if unchanged && found.good != before.good {
                    let ttl = if found.good { POSITIVE_TTL } else { NEGATIVE_TTL };
                    if before.forgotten[asked.node].is_some_and(|forgotten| forgotten < asked.started) {
                        world.broken("a verdict was used after it was to be forgotten");
                    }
                    // Monotonic clocks drift by a ten-thousandth.
                    let slowest = if world.faults.crashes { Duration::from_secs(60) } else { SLOWEST };
                    if asked.started > before.since + slowest + ttl + ttl / 1000 {
                        world.broken(&format!("a verdict ({}) outlived its time", found.good));
                    }
                }
                let looked_up = model.look_ups[found.look_up];
                if found.good && looked_up.is_some_and(|at| at < asked.started) {
                    if asked.steady && asked.wall.0 >= millis(found.expires_at) {
                        world.broken("a verdict was used after it had expired");
                    }
                    let ttl = POSITIVE_TTL + POSITIVE_TTL / 1000;
                    if looked_up.is_some_and(|at| asked.started > at + ttl) {
                        world.broken("a verdict outlived its time in the cache");
                    }
                }
            }
            End::Failed(failure) => {
                let failed = source(failure).and_then(|LookUpFailed(look_up)| model.look_ups[*look_up]);
                if failed.is_some_and(|at| at < asked.started) {
                    world.broken("an error was cached");
                }
                let disturbed = model.users[session.user].disturbed;
                if asked.calm && !session.fails && disturbed < asked.started {
                    world.broken("a session had no verdict although nothing was wrong");
                }
            }
            _ => {}
        }
    }
}

/// The look-up whose error this is.
fn source(failure: &Failure) -> Option<&LookUpFailed> {
    let mut error: &(dyn std::error::Error + 'static) = failure;
    loop {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        error = error.source()?;
    }
}
