//! The parts of a run that all others share: true time, the nodes with their clocks and faults, the store, and the trace.

use std::{
    collections::VecDeque,
    fmt::Write,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use tokio::{sync::Semaphore, time::Instant};
use tower_verify::{Clock, store::MemoryStore};

use crate::{reference::Reference, rng::Rng};

/// The true wall time at which each run begins, in milliseconds since the Unix epoch.
const EPOCH: i64 = 1_700_000_000_000;

/// The kinds of faults of a run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Faults {
    pub(crate) network: bool,
    pub(crate) clocks: bool,
    pub(crate) crashes: bool,
    pub(crate) hang_ups: bool,
}

impl Faults {
    /// Every seed has its mixture: none, each kind alone, and all of them.
    pub(crate) fn of(seed: u64) -> Self {
        let kind = seed % 8;
        let on = |alone| kind == alone || kind > 4;
        Self { network: on(1), clocks: on(2), crashes: on(3), hang_ups: on(4) }
    }
}

pub(crate) struct World {
    pub(crate) faults: Faults,
    start: Instant,
    nodes: Vec<Mutex<Node>>,
    pub(crate) store: Mutex<Stores>,
    pub(crate) network: Mutex<Rng>,
    /// How many lines of the trace are kept.
    tail: usize,
    trace: Mutex<Trace>,
}

/// The store that the nodes share, and the model that it is compared with.
pub(crate) struct Stores {
    pub(crate) real: Arc<MemoryStore>,
    pub(crate) reference: Reference,
}

/// A node: a process on a machine with a clock of its own. All times are true times since the run began.
pub(crate) struct Node {
    /// Closed when the process crashes.
    pub(crate) alive: Arc<Semaphore>,
    /// How far the wall clock is ahead, in milliseconds.
    offset: i64,
    /// How much too fast both of its clocks run, in millionths. NTP turns this round every thousand seconds.
    drift: i64,
    /// How often the wall clock was set.
    jumps: u32,
    pub(crate) paused_until: Duration,
    pub(crate) partitioned_until: Duration,
    /// When a fault affected this node last.
    trouble: Duration,
}

#[derive(Default)]
struct Trace {
    lines: VecDeque<String>,
    /// A digest of all lines, to compare two runs of one seed.
    digest: u64,
    violation: Option<String>,
}

/// The clock of a node.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Look {
    pub(crate) wall: u64,
    pub(crate) jumps: u32,
}

impl World {
    pub(crate) fn new(faults: Faults, nodes: usize, tail: usize, rng: &mut Rng) -> Self {
        let start = Instant::now();
        let node = |_| {
            let offset = rng.between(0, 200) as i64 - 100;
            let drift = rng.between(0, 200) as i64 - 100;
            Mutex::new(Node {
                alive: Arc::new(Semaphore::new(0)),
                offset,
                drift,
                jumps: 0,
                paused_until: Duration::ZERO,
                partitioned_until: Duration::ZERO,
                trouble: Duration::ZERO,
            })
        };
        let nodes = (0..nodes).map(node).collect();
        let real = Arc::new(MemoryStore::new().clock(TrueClock { start }));
        Self {
            faults,
            start,
            nodes,
            store: Mutex::new(Stores { real, reference: Reference::default() }),
            network: Mutex::new(rng.fork()),
            tail,
            trace: Mutex::default(),
        }
    }

    /// The true time.
    pub(crate) fn now(&self) -> Duration {
        self.start.elapsed()
    }

    pub(crate) fn nodes(&self) -> usize {
        self.nodes.len()
    }

    pub(crate) fn node(&self, node: usize) -> MutexGuard<'_, Node> {
        lock(&self.nodes[node])
    }

    /// Notes that a fault affects `node` from now until `until`.
    pub(crate) fn trouble(&self, node: usize, until: Duration) {
        let mut node = self.node(node);
        node.trouble = node.trouble.max(until).max(self.now());
    }

    /// Whether no fault has affected `node` since `since`.
    pub(crate) fn calm_since(&self, node: usize, since: Duration) -> bool {
        self.node(node).trouble < since
    }

    pub(crate) fn look(&self, node: usize) -> Look {
        let node = self.node(node);
        Look { wall: millis(node.wall(self.now())), jumps: node.jumps }
    }

    /// How much the nodes' clocks differ at most if none of them was ever set, in milliseconds.
    pub(crate) fn skew(&self) -> u64 {
        400
    }

    /// Sets the wall clock of `node`.
    pub(crate) fn set_clock(&self, node: usize, by_millis: i64) {
        let mut node = self.node(node);
        node.offset += by_millis;
        node.jumps += 1;
    }

    /// The node's process ends, and another one begins.
    pub(crate) fn crash(&self, node: usize) {
        let fresh = Arc::new(Semaphore::new(0));
        let crashed = std::mem::replace(&mut self.node(node).alive, fresh);
        crashed.close();
        self.trouble(node, self.now());
    }

    /// Adds a line to the trace.
    pub(crate) fn note(&self, line: impl FnOnce(&mut String)) {
        let mut trace = lock(&self.trace);
        if trace.violation.is_some() {
            return;
        }
        let mut text =
            if trace.lines.len() < self.tail { String::new() } else { trace.lines.pop_front().unwrap_or_default() };
        text.clear();
        let _ = write!(text, "{:>10.3} s  ", self.now().as_secs_f64());
        line(&mut text);
        // The sum, because tokio wakes those who wait for one look-up of a cache in any order.
        let digest =
            text.bytes().fold(0, |digest: u64, byte| (digest ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        trace.digest = trace.digest.wrapping_add(digest);
        trace.lines.push_back(text);
    }

    /// Reports that a rule is broken. The first report of a run counts.
    pub(crate) fn broken(&self, rule: &str) {
        self.note(|line| line.push_str(&format!("BROKEN: {rule}")));
        lock(&self.trace).violation.get_or_insert_with(|| rule.to_owned());
    }

    pub(crate) fn violation(&self) -> Option<String> {
        lock(&self.trace).violation.clone()
    }

    pub(crate) fn tail(&self) -> String {
        lock(&self.trace).lines.iter().map(|line| format!("{line}\n")).collect()
    }

    pub(crate) fn digest(&self) -> u64 {
        lock(&self.trace).digest
    }
}

impl Node {
    fn wall(&self, now: Duration) -> SystemTime {
        let now = now.as_micros() as i64;
        let micros = EPOCH * 1000 + self.drifted(now) + self.offset * 1000;
        SystemTime::UNIX_EPOCH + Duration::from_micros(micros.max(0) as u64)
    }

    /// The microseconds that the node's clocks count in `now` microseconds.
    fn drifted(&self, now: i64) -> i64 {
        const TURN: i64 = 1_000_000_000;

        let in_turn = now % (2 * TURN);
        now + in_turn.min(2 * TURN - in_turn) * self.drift / 1_000_000
    }
}

/// The clock of the store's machine.
struct TrueClock {
    start: Instant,
}

impl Clock for TrueClock {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + self.monotonic()
    }

    fn monotonic(&self) -> Duration {
        self.start.elapsed()
    }
}

/// The clock of a node.
#[derive(Clone)]
pub(crate) struct NodeClock {
    pub(crate) world: Arc<World>,
    pub(crate) node: usize,
}

impl Clock for NodeClock {
    fn now(&self) -> SystemTime {
        self.world.node(self.node).wall(self.world.now())
    }

    fn monotonic(&self) -> Duration {
        let now = self.world.now().as_micros() as i64;
        Duration::from_micros(self.world.node(self.node).drifted(now).max(0) as u64)
    }
}

pub(crate) fn millis(time: SystemTime) -> u64 {
    tower_verify::unix_millis(time)
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
