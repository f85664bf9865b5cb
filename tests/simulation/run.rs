//! One run: a few nodes over one store, a thousand calls and faults.

use std::{sync::Arc, time::Duration};

use tokio::{
    runtime::Builder,
    task::{JoinError, JoinSet},
    time::sleep,
};
use tower_verify::BoxError;

use crate::{
    cache::{Cache, Visitors},
    call::To,
    network::Remote,
    office,
    office::{Clients, Office},
    register,
    register::{Desk, Holders},
    rng::Rng,
    throttle,
    throttle::{Guarded, Guessers},
    world::{Faults, NodeClock, World},
};

/// The calls and faults of a run.
pub(crate) const STEPS: u64 = 1000;

/// How a run ended.
pub(crate) struct Ran {
    pub(crate) violation: Option<String>,
    pub(crate) tail: String,
    pub(crate) digest: u64,
    pub(crate) faults: Faults,
    pub(crate) time: Duration,
}

/// The memory of one process of a node.
struct Process {
    office: Office,
    throttle: Guarded,
    cache: Cache,
    desk: Desk,
}

struct Run {
    world: Arc<World>,
    clients: Arc<Clients>,
    guessers: Arc<Guessers>,
    visitors: Arc<Visitors>,
    holders: Arc<Holders>,
    processes: Vec<Process>,
    calls: JoinSet<()>,
    /// How often each part is called, in per cent.
    shares: [u64; 3],
}

/// Runs the simulation that this seed describes. Keeps this many lines of its trace.
pub(crate) fn run(seed: u64, tail: usize) -> Ran {
    let runtime = Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime starts");
    runtime.block_on(async {
        let mut rng = Rng::new(seed);
        let faults = Faults::of(seed);
        let nodes = 2 + rng.below(3) as usize;
        let world = Arc::new(World::new(faults, nodes, tail, &mut rng));
        if let Err(error) = drive(&world, &mut rng).await {
            world.broken(&format!("the run ended early: {error}"));
        }
        Ran { violation: world.violation(), tail: world.tail(), digest: world.digest(), faults, time: world.now() }
    })
}

async fn drive(world: &Arc<World>, rng: &mut Rng) -> Result<(), BoxError> {
    let mut run = Run {
        clients: Arc::new(Clients::new(Arc::clone(world), office::Settings::draw(rng))),
        guessers: Arc::new(Guessers::new(Arc::clone(world), throttle::Settings::draw(rng))),
        visitors: Arc::new(Visitors::new(Arc::clone(world))),
        holders: Arc::new(Holders::new(Arc::clone(world), register::Settings::draw(rng))),
        world: Arc::clone(world),
        processes: Vec::new(),
        calls: JoinSet::new(),
        shares: rng.pick(&[[70, 10, 10], [10, 70, 10], [40, 30, 20], [30, 5, 60], [10, 10, 5]]),
    };
    for node in 0..world.nodes() {
        let process = run.start(node)?;
        run.processes.push(process);
    }
    // Some runs are slow, so that tokens expire; some are fast, so that calls overlap.
    let pace = rng.pick(&[2, 30, 300, 20_000]);
    let mut step = 0;
    while step < STEPS && world.violation().is_none() {
        step += 1;
        if rng.percent(6) && run.fault(rng)? {
            continue;
        }
        let mut call = rng.fork();
        // Several clients do the same at the same time.
        for _ in 0..if rng.percent(10) { 1 + rng.below(3) } else { 1 } {
            run.call(&mut call.clone(), rng);
            call = if rng.percent(50) { call } else { rng.fork() };
        }
        while run.calls.try_join_next().transpose().map_err(panicked)?.is_some() {}
        match rng.below(1000) {
            0..300 => {}
            300..940 => sleep(Duration::from_millis(rng.below(pace))).await,
            940..997 => sleep(Duration::from_millis(rng.below(pace * 20))).await,
            _ => sleep(Duration::from_secs(rng.below(pace * 2))).await,
        }
    }
    while run.calls.join_next().await.transpose().map_err(panicked)?.is_some() {}
    Ok(())
}

fn panicked(_: JoinError) -> BoxError {
    "a call panicked".into()
}

impl Run {
    /// Starts a process on `node`.
    fn start(&self, node: usize) -> Result<Process, BoxError> {
        let (world, clock) = (Arc::clone(&self.world), NodeClock { world: Arc::clone(&self.world), node });
        let alive = Arc::clone(&world.node(node).alive);
        let store = Remote { world, node, alive };
        Ok(Process {
            office: self.clients.start(store.clone(), clock.clone())?,
            throttle: self.guessers.throttle(store.clone(), clock.clone())?,
            cache: self.visitors.cache(clock.clone())?,
            desk: self.holders.desk(store, clock)?,
        })
    }

    /// Makes a call that `call` describes, to some node.
    fn call(&mut self, call: &mut Rng, rng: &mut Rng) {
        let node = rng.below(self.world.nodes() as u64) as usize;
        let hangs_up = self.world.faults.hang_ups && rng.percent(20);
        let longest = rng.pick(&[10, 20, 6000]);
        let patience = hangs_up.then(|| Duration::from_millis(rng.between(1, longest)));
        let to = To { node, alive: Arc::clone(&self.world.node(node).alive), patience };
        let Process { office, throttle, cache, desk } = &self.processes[node];
        let [offices, throttles, caches] = self.shares;
        let share = call.below(100);
        if share < offices {
            let (clients, action, office) = (Arc::clone(&self.clients), self.clients.draw(call), office.clone());
            self.calls.spawn(async move { clients.act(office, to, action).await });
        } else if share < offices + throttles {
            let (guessers, pin, throttle) =
                (Arc::clone(&self.guessers), self.guessers.draw(call), Arc::clone(throttle));
            self.calls.spawn(async move { guessers.act(throttle, to, pin).await });
        } else if share < offices + throttles + caches {
            let (visitors, action, cache) = (Arc::clone(&self.visitors), self.visitors.draw(call), cache.clone());
            self.calls.spawn(async move { visitors.act(cache, to, action).await });
        } else {
            let (holders, action, desk) = (Arc::clone(&self.holders), self.holders.draw(call), desk.clone());
            self.calls.spawn(async move { holders.act(desk, to, action).await });
        }
    }

    /// Makes a fault, if this run has faults of the kind that is drawn.
    fn fault(&mut self, rng: &mut Rng) -> Result<bool, BoxError> {
        let (world, node) = (Arc::clone(&self.world), rng.below(self.world.nodes() as u64) as usize);
        let now = world.now();
        match rng.below(4) {
            0 if world.faults.network => {
                let until = now + Duration::from_millis(rng.below(15_000));
                world.node(node).partitioned_until = until;
                world.trouble(node, until);
                world.note(|line| line.push_str(&format!("node {node} is partitioned until {until:?}")));
            }
            1 if world.faults.clocks => {
                let most = rng.pick(&[2_000, 60_000, 4_000_000]);
                let by = rng.below(2 * most) as i64 - most as i64;
                world.set_clock(node, by);
                world.note(|line| line.push_str(&format!("the clock of node {node} jumps by {by} ms")));
            }
            2 if world.faults.crashes => {
                world.note(|line| line.push_str(&format!("node {node} crashes")));
                world.crash(node);
                self.processes[node] = self.start(node)?;
            }
            3 if world.faults.crashes => {
                let until = now + Duration::from_millis(rng.below(20_000));
                world.node(node).paused_until = until;
                world.trouble(node, until);
                world.note(|line| line.push_str(&format!("node {node} is paused until {until:?}")));
            }
            _ => return Ok(false),
        }
        Ok(true)
    }
}
