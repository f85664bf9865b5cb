//! Single-use tokens of a register, and the model that knows which of them are used or revoked.

use std::{
    fmt,
    sync::{Arc, Mutex},
    time::Duration,
};

use http::Request;
use tower_verify::{
    BoxError, ConfigError, Credential, Secret, Verifier,
    token::{CheckError, Key, KeyRing, Register, RegisterError, Signer},
};

use crate::{
    call::{DEADLINE, End, To, ask},
    network::{LATE, RESPONSE_TIMEOUT, Remote},
    revoke::{Revoke, Revoking},
    rng::Rng,
    world::{NodeClock, World, lock, millis},
};

#[derive(Debug, Clone)]
pub(crate) struct Settings {
    ttl: Duration,
    grace: Duration,
}

/// A token to be checked for its subject, or none yet: then one is issued.
#[derive(Clone)]
pub(crate) struct Presented {
    subject: String,
    token: Option<Secret>,
}

impl Credential for Presented {
    type Verdict = Decided;
}

#[derive(Debug, Clone)]
pub(crate) enum Decided {
    Issued(Secret, u64),
    Good,
    Refused(CheckError),
}

impl tower_verify::Verdict for Decided {
    fn admits(&self) -> bool {
        !matches!(self, Self::Refused(_))
    }
}

/// A node's register.
#[derive(Clone)]
pub(crate) struct Desk(Register<Remote>);

impl Verifier<Presented> for Desk {
    async fn verify(&self, request: Request<Presented>) -> Result<Decided, BoxError> {
        let Presented { subject, token } = request.into_body();
        let subject = subject.as_bytes();
        let Some(token) = token else {
            return match self.0.issue(subject, &[]).await {
                Ok(issued) => Ok(Decided::Issued(issued.token, millis(issued.expires_at))),
                Err(RegisterError::Store(error)) => Err(error.into()),
                Err(error) => Err(error.into()),
            };
        };
        let checked = self.0.check(subject, token.expose_secret(), &[]).await?;
        Ok(checked.map_or_else(Decided::Refused, |_| Decided::Good))
    }
}

/// The action of a client.
#[derive(Debug, Clone)]
pub(crate) enum Action {
    Issue { subject: usize },
    Check { token: usize, stranger: bool },
    Revoke { subject: usize },
}

struct Model {
    tokens: Vec<Token>,
    /// For each subject, its revocations: when they began, and when they were confirmed.
    revoked: Vec<Vec<(Duration, Option<Duration>)>>,
}

struct Token {
    subject: usize,
    token: Secret,
    until: u64,
    issued: (Duration, Duration),
    /// How many checks have begun, and when a client first learned that the token was good.
    checks: usize,
    used: Option<Duration>,
}

pub(crate) struct Holders {
    world: Arc<World>,
    settings: Settings,
    model: Mutex<Model>,
}

impl Settings {
    pub(crate) fn draw(rng: &mut Rng) -> Self {
        let seconds = Duration::from_secs;
        Self { ttl: seconds(rng.pick(&[60, 600])), grace: seconds(rng.pick(&[0, 0, 2, 20])) }
    }
}

impl Holders {
    pub(crate) fn new(world: Arc<World>, settings: Settings) -> Self {
        let model = Model { tokens: Vec::new(), revoked: vec![Vec::new(); 4] };
        Self { world, settings, model: Mutex::new(model) }
    }

    pub(crate) fn desk(&self, store: Remote, clock: NodeClock) -> Result<Desk, ConfigError> {
        let keys = KeyRing::new(Key::from_bytes("k1", &[7; 32])?);
        let signer = Signer::new("sim", "simulation", "", keys)?.clock(clock);
        Ok(Desk(Register::new(signer, store, self.settings.ttl).single_use_with_grace(self.settings.grace)))
    }

    pub(crate) fn draw(&self, rng: &mut Rng) -> Action {
        let tokens = lock(&self.model).tokens.len() as u64;
        let subject = rng.below(4) as usize;
        match rng.below(100) {
            _ if tokens == 0 => Action::Issue { subject },
            0..25 => Action::Issue { subject },
            25..29 => Action::Revoke { subject },
            _ => {
                let token = (tokens - 1 - rng.below(tokens.min(4))) as usize;
                Action::Check { token, stranger: rng.percent(4) }
            }
        }
    }

    pub(crate) async fn act(&self, desk: Desk, to: To, action: Action) {
        match action.clone() {
            Action::Issue { subject } => {
                let presented = Presented { subject: name(subject), token: None };
                let asked = ask(&self.world, &to, desk, presented, &action).await;
                if asked.calm && matches!(asked.end, End::Failed(_)) {
                    self.world.broken("no token was issued although nothing was wrong");
                }
                let End::Verdict(Decided::Issued(token, until)) = asked.end else { return };
                let issued = (asked.started, asked.ended);
                lock(&self.model).tokens.push(Token { subject, token, until, issued, checks: 0, used: None });
            }
            Action::Check { token, stranger } => self.check(desk, to, action, token, stranger).await,
            Action::Revoke { subject } => {
                let number = {
                    let revoked = &mut lock(&self.model).revoked[subject];
                    revoked.push((self.world.now(), None));
                    revoked.len() - 1
                };
                let revoke = Revoke::new(move || {
                    let desk = desk.clone();
                    Box::pin(async move { desk.0.revoke(name(subject).as_bytes()).await })
                });
                let asked = ask(&self.world, &to, Revoking, revoke, &action).await;
                if matches!(asked.end, End::Verdict(true)) {
                    lock(&self.model).revoked[subject][number].1 = Some(asked.ended);
                }
            }
        }
    }

    async fn check(&self, desk: Desk, to: To, action: Action, token: usize, stranger: bool) {
        let presented = {
            let mut model = lock(&self.model);
            let known = &mut model.tokens[token];
            known.checks += usize::from(!stranger);
            let subject = if stranger { "somebody else".to_owned() } else { name(known.subject) };
            Presented { subject, token: Some(known.token.clone()) }
        };
        let asked = ask(&self.world, &to, desk, presented, &action).await;
        let (world, mut model) = (&self.world, lock(&self.model));
        let Model { tokens, revoked } = &mut *model;
        let known = &mut tokens[token];
        let revoked = &revoked[known.subject];
        match &asked.end {
            End::Verdict(Decided::Good) => {
                if stranger {
                    world.broken("a token was good for another subject");
                }
                if asked.steady && asked.wall.0 >= known.until {
                    world.broken("a token was good after it had expired");
                }
                let ended = |(began, confirmed): &(Duration, Option<Duration>)| {
                    known.issued.1 < *began && confirmed.is_some_and(|confirmed| confirmed < asked.started)
                };
                if revoked.iter().any(ended) {
                    world.broken("a token was good after it was revoked");
                }
                // A check that gave up, or whose node was paused, may have begun the grace later than the use.
                let late = DEADLINE + RESPONSE_TIMEOUT + LATE;
                let until = known.used.map(|used| {
                    used + self.settings.grace + if self.settings.grace.is_zero() { Duration::ZERO } else { late }
                });
                if until.is_some_and(|until| asked.started > until) && !world.faults.crashes {
                    world.broken("a token was good twice");
                }
                if known.used.is_some() && self.settings.grace.is_zero() {
                    world.broken("a token without a grace was good twice");
                }
                known.used.get_or_insert(asked.ended);
            }
            End::Verdict(Decided::Refused(reason)) => {
                let revoked = revoked.iter().any(|(_, confirmed)| confirmed.is_none_or(|at| at >= known.issued.0));
                let until = known.until;
                let fresh = known.checks == 1 && !stranger && !revoked && asked.steady && asked.wall.1 < until;
                let young = asked.ended < known.issued.0 + self.settings.ttl;
                if fresh && young {
                    world.broken(&format!("a good token was refused: {reason:?}"));
                }
            }
            End::Failed(_) if asked.calm => world.broken("a token had no verdict although nothing was wrong"),
            _ => {}
        }
    }
}

fn name(subject: usize) -> String {
    format!("subject {subject}")
}

impl fmt::Debug for Presented {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Presented for {}", self.subject)
    }
}
