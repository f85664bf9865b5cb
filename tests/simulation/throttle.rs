//! Guesses at accounts behind a throttle, and the model that knows which failures must have been counted.

use std::{
    fmt,
    future::pending,
    sync::{Arc, Mutex},
    time::Duration,
};

use http::Request;
use tokio::time::sleep;
use tower_verify::{BoxError, ConfigError, Credential, FailureKind, Verifier, policy::Throttle};

use crate::{
    call::{Asked, DEADLINE, End, To, ask},
    network::Remote,
    rng::Rng,
    world::{NodeClock, World, lock},
};

pub(crate) type Guarded = Arc<Throttle<Bank, Remote, fn(&Request<Pin>) -> Option<String>>>;

/// How a throttle is set up: the same on all nodes of a run.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    limit: u32,
    window: Duration,
    first_wait: Duration,
    longest_wait: Duration,
    max_accounts: usize,
}

/// After this, a reservation that was not settled expires.
const RESERVATION: Duration = Duration::from_secs(10);

/// A guess at an account, and what the bank does with it.
#[derive(Clone)]
pub(crate) struct Pin {
    pub(crate) account: usize,
    right: bool,
    number: usize,
    takes: Duration,
    bank: BankDoes,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum BankDoes {
    Answer,
    Fail,
    Hang,
}

impl Credential for Pin {
    type Verdict = bool;
}

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.right { "right" } else { "wrong" };
        write!(f, "{} {kind} for account {}, bank: {:?} in {:?}", self.number, self.account, self.bank, self.takes)
    }
}

/// The verifier behind the throttle. It tells the model of each call.
pub(crate) struct Bank {
    world: Arc<World>,
    model: Arc<Mutex<Model>>,
}

impl Verifier<Pin> for Bank {
    async fn verify(&self, request: Request<Pin>) -> Result<bool, BoxError> {
        let pin = request.into_body();
        lock(&self.model).asked(&self.world, &pin);
        sleep(pin.takes).await;
        lock(&self.model).accounts[pin.account].last_bank = self.world.now();
        match pin.bank {
            BankDoes::Answer => {
                lock(&self.model).calls[pin.number].answered = Some(self.world.now());
                Ok(pin.right)
            }
            BankDoes::Fail => Err("the bank's database is away".into()),
            BankDoes::Hang => pending().await,
        }
    }
}

struct Model {
    settings: Settings,
    calls: Vec<Call>,
    accounts: Vec<Account>,
}

/// A guess.
#[derive(Clone, Copy)]
struct Call {
    began: Duration,
    /// When the bank was asked, and when it answered.
    asked: Option<Duration>,
    answered: Option<Duration>,
}

#[derive(Clone)]
struct Account {
    /// The failures whose clients were told so, with the time at which the bank answered, and the time at which the
    /// client was told.
    failures: Vec<(Duration, Duration)>,
    attempts: usize,
    /// When an attempt last began, and when the bank had to do with it last.
    last_attempt: Duration,
    last_bank: Duration,
    /// For each node, since when each attempt is throttled, and how often its clock had been set then.
    throttled: Vec<Option<(Duration, u32)>>,
}

pub(crate) struct Guessers {
    world: Arc<World>,
    settings: Settings,
    model: Arc<Mutex<Model>>,
}

impl Settings {
    pub(crate) fn draw(rng: &mut Rng) -> Self {
        let first_wait = Duration::from_secs(rng.pick(&[30, 60, 300]));
        Self {
            limit: rng.pick(&[1, 3, 5]),
            window: Duration::from_secs(rng.pick(&[300, 900])),
            first_wait,
            longest_wait: first_wait * rng.pick(&[1, 4, 15]),
            max_accounts: rng.pick(&[8, 131_072]),
        }
    }
}

impl Guessers {
    pub(crate) fn new(world: Arc<World>, settings: Settings) -> Self {
        let account = Account {
            failures: Vec::new(),
            attempts: 0,
            last_attempt: Duration::ZERO,
            last_bank: Duration::ZERO,
            throttled: vec![None; world.nodes()],
        };
        let model = Model { settings: settings.clone(), calls: Vec::new(), accounts: vec![account; 4] };
        Self { world, settings, model: Arc::new(Mutex::new(model)) }
    }

    pub(crate) fn throttle(&self, store: Remote, clock: NodeClock) -> Result<Guarded, ConfigError> {
        let Settings { limit, window, first_wait, longest_wait, max_accounts } = self.settings;
        let bank = Bank { world: Arc::clone(&self.world), model: Arc::clone(&self.model) };
        let account: fn(&Request<Pin>) -> Option<String> =
            |request| Some(format!("account {}", request.body().account));
        let throttle = Throttle::new(bank, store, [7; 32], account)
            .limit(limit, window)?
            .waits(first_wait, longest_wait)?
            .reservation(RESERVATION)?
            .max_accounts(max_accounts)
            .clock(clock);
        Ok(Arc::new(throttle))
    }

    pub(crate) fn draw(&self, rng: &mut Rng) -> Pin {
        let mut model = lock(&self.model);
        let number = model.calls.len();
        let account = rng.below(model.accounts.len() as u64) as usize;
        model.calls.push(Call { began: self.world.now(), asked: None, answered: None });
        let bank = match rng.below(100) {
            0..4 => BankDoes::Fail,
            4 => BankDoes::Hang,
            _ => BankDoes::Answer,
        };
        let takes = if rng.percent(20) { rng.below(1000) } else { rng.below(20) };
        Pin { account, right: rng.percent(30), number, takes: Duration::from_millis(takes), bank }
    }

    pub(crate) async fn act(&self, throttle: Guarded, to: To, pin: Pin) {
        let quiet = {
            let mut model = lock(&self.model);
            model.calls[pin.number].began = self.world.now();
            let Settings { window, longest_wait, .. } = model.settings;
            let account = &mut model.accounts[pin.account];
            let last = account.last_attempt.max(account.last_bank);
            account.last_attempt = self.world.now();
            account.attempts += 1;
            let quiet = last + window + longest_wait + 2 * RESERVATION + DEADLINE < self.world.now();
            quiet.then_some(account.attempts)
        };
        let asked = ask(&self.world, &to, throttle, pin.clone(), &pin).await;
        lock(&self.model).ended(&self.world, &pin, &asked, quiet);
    }
}

impl Model {
    /// The bank is asked: the throttle let an attempt through.
    fn asked(&mut self, world: &World, pin: &Pin) {
        let now = world.now();
        self.calls[pin.number].asked = Some(now);
        let began = self.calls[pin.number].began;
        let account = &mut self.accounts[pin.account];
        account.last_bank = now;
        account.throttled.iter_mut().for_each(|since| *since = None);
        if world.faults.clocks {
            return;
        }
        let skew = Duration::from_millis(world.skew());
        let blocked_until = blocked_until(&self.settings, &account.failures, began, skew);
        if now + skew < blocked_until {
            world.broken(&format!(
                "attempt {} is let through, but its account waits until {blocked_until:?}",
                pin.number
            ));
        }
    }

    fn ended(&mut self, world: &World, pin: &Pin, asked: &Asked<bool>, quiet: Option<usize>) {
        let call = self.calls[pin.number];
        let account = &mut self.accounts[pin.account];
        if call.answered.is_some() && !matches!(asked.end, End::Verdict(_)) {
            // It is counted in the background, and begins a wait then.
            account.last_bank = account.last_bank.max(asked.ended + RESERVATION + DEADLINE);
        }
        match &asked.end {
            End::Verdict(true) if !pin.right => world.broken("a wrong PIN was admitted"),
            End::Verdict(false) if pin.right => world.broken("a right PIN was denied"),
            End::Verdict(_) if call.answered.is_none() => world.broken("there is a verdict that the bank did not give"),
            End::Verdict(false) => {
                let answered = call.answered.unwrap_or_default();
                account.failures.push((answered, asked.ended));
                if !world.faults.clocks && !world.faults.crashes {
                    self.limit_holds(world, pin);
                }
            }
            End::Failed(failure) if failure.kind() == FailureKind::Throttled => {
                if call.asked.is_some() {
                    world.broken("an attempt was throttled after the bank was asked");
                }
                let wait = failure.retry_after().unwrap_or(Duration::MAX);
                if wait > self.settings.longest_wait.max(Duration::from_secs(1)) {
                    world.broken(&format!("a wait of {wait:?}"));
                }
                if quiet == Some(account.attempts) && asked.calm && !world.faults.clocks {
                    world.broken("an account is throttled that nobody has tried lately");
                }
                let jumps = world.look(asked.node).jumps;
                // One second is the wait of an attempt that was undecided.
                if wait > Duration::from_secs(1) && asked.steady {
                    let since = &mut account.throttled[asked.node];
                    let since = match since {
                        Some((since, then)) if *then == jumps && *since > account.last_bank => *since,
                        _ => since.insert((asked.ended, jumps)).0,
                    };
                    let slack = RESERVATION + DEADLINE + Duration::from_millis(world.skew());
                    if asked.ended + wait > since + self.settings.longest_wait + slack {
                        world.broken("an account is throttled for longer than the longest wait");
                    }
                }
            }
            End::Failed(_) if asked.calm && pin.bank == BankDoes::Answer => {
                world.broken("a guess had no verdict although nothing was wrong");
            }
            _ => {}
        }
    }

    /// No more failures than the limit were told in less than the first wait.
    fn limit_holds(&self, world: &World, pin: &Pin) {
        let Settings { limit, first_wait, window, .. } = self.settings;
        let span = first_wait.min(window).saturating_sub(Duration::from_millis(world.skew()) + DEADLINE);
        let failures = &self.accounts[pin.account].failures;
        let Some((_, last)) = failures.last() else { return };
        let together = failures.iter().filter(|(answered, _)| *answered + span > *last).count();
        if together > limit as usize {
            world.broken(&format!("{together} failures within {span:?}, where {limit} are allowed"));
        }
    }
}

/// Until when an account is throttled at least, by the failures that were told before `began`. The true count may be
/// higher, as failures that were not told may be counted.
fn blocked_until(settings: &Settings, failures: &[(Duration, Duration)], began: Duration, skew: Duration) -> Duration {
    let mut told: Vec<_> = failures.iter().filter(|(_, told)| *told < began).map(|(answered, _)| *answered).collect();
    told.sort_unstable();
    // The window is shorter by what the clocks may differ, and so is the time for which waits are remembered.
    let window = settings.window.saturating_sub(skew + DEADLINE);
    let (mut recent, mut waits, mut blocked_until) = (Vec::<Duration>::new(), 0_u32, Duration::ZERO);
    for failure in told {
        recent.retain(|earlier| failure < *earlier + window);
        if waits > 0 && failure >= blocked_until + window {
            (waits, blocked_until) = (0, Duration::ZERO);
        }
        recent.push(failure);
        if waits == 0 && recent.len() < settings.limit as usize {
            continue;
        }
        let wait = settings.first_wait.saturating_mul(2_u32.saturating_pow(waits)).min(settings.longest_wait);
        blocked_until = blocked_until.max(failure + wait);
        waits += 1;
        recent.clear();
    }
    blocked_until
}
