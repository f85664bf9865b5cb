//! A steady load of every kind of call, with good and bad credentials, and the result of each call.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use futures::future::join_all;
use tokio::{task::JoinHandle, time::sleep};

use crate::{
    answer::Said,
    calls::{APP_KEY, PASSWORD, USERNAME, WRONG_APP_KEY},
    cluster::Node,
};

/// The number of workers that make every kind of call in turn.
const WORKERS: usize = 12;

/// The number of workers that only request tickets. They are more than the throttle lets through at once for one
/// principal, so that it is full when Redis fails.
const BACKENDS: usize = 16;

/// The pause between two rounds of a worker.
const PAUSE: Duration = Duration::from_millis(25);

/// Whether a credential is good, which says how the call is answered without a fault.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Credential {
    Good,
    Bad,
    /// A ticket whose exchange had no verdict: it may have been used.
    Unknown,
}

/// The result of a call.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) name: &'static str,
    credential: Credential,
    /// The start of the first call that this one depends on.
    round: Instant,
    pub(crate) begun: Instant,
    pub(crate) ended: Instant,
    pub(crate) said: Said,
}

impl Call {
    pub(crate) fn wait(&self) -> Duration {
        self.ended - self.begun
    }

    /// Whether the call got another answer than without a fault, although it and the calls that it depends on began
    /// after `time`.
    pub(crate) fn failed_since(&self, time: Instant) -> bool {
        match (&self.said, self.credential) {
            (Said::NoVerdict | Said::Throttled, _) => self.begun >= time,
            (Said::Refused(_), Credential::Good) => self.round >= time,
            _ => false,
        }
    }
}

/// The workers, which repeat their calls until they are stopped.
pub(crate) struct Load {
    workers: Vec<JoinHandle<Vec<Call>>>,
    stop: Arc<AtomicBool>,
}

impl Load {
    pub(crate) fn start(nodes: &Arc<[Node]>) -> Self {
        let stop = Arc::<AtomicBool>::default();
        let workers = (0..WORKERS + BACKENDS).map(|number| {
            let (nodes, stop) = (Arc::clone(nodes), Arc::clone(&stop));
            let worker = Worker { number, nodes, stop, rounds: 0, round: Instant::now(), calls: Vec::new() };
            if number < WORKERS {
                tokio::spawn(worker.make_every_call())
            } else {
                tokio::spawn(worker.request_tickets())
            }
        });
        Self { workers: workers.collect(), stop }
    }

    /// Lets each worker finish its round and present every ticket once more, and returns all calls.
    pub(crate) async fn stop(self) -> Vec<Call> {
        self.stop.store(true, Ordering::Relaxed);
        join_all(self.workers).await.into_iter().flat_map(|calls| calls.expect("an answer broke a contract")).collect()
    }
}

struct Worker {
    number: usize,
    nodes: Arc<[Node]>,
    stop: Arc<AtomicBool>,
    rounds: usize,
    round: Instant,
    calls: Vec<Call>,
}

impl Worker {
    async fn make_every_call(mut self) -> Vec<Call> {
        let mut tickets = Vec::new();
        while self.next_round().await {
            tickets.extend(self.taptalk().await);
            self.diyalog().await;
            self.talkdesk().await;
        }
        for (ticket, mut exchanged) in tickets {
            self.exchange("ticket, once more", &ticket, &mut exchanged).await;
        }
        self.calls
    }

    async fn request_tickets(mut self) -> Vec<Call> {
        while self.next_round().await {
            self.call("ticket request, many", Credential::Good, async |node| node.ticket("287").await).await;
        }
        self.calls
    }

    /// Begins the next round, and returns false when the load is stopped.
    async fn next_round(&mut self) -> bool {
        sleep(PAUSE).await;
        self.rounds += 1;
        self.round = Instant::now();
        !self.stop.load(Ordering::Relaxed)
    }

    /// Returns the nodes, and the number of the one for the next call. Each call goes to another one.
    fn node(&self) -> (Arc<[Node]>, usize) {
        (Arc::clone(&self.nodes), (self.number + self.calls.len()) % self.nodes.len())
    }

    async fn call(
        &mut self,
        name: &'static str,
        credential: Credential,
        call: impl AsyncFnOnce(&Node) -> Said,
    ) -> Said {
        let (nodes, number) = self.node();
        let begun = Instant::now();
        let said = call(&nodes[number]).await;
        assert!(credential != Credential::Bad || !said.is_admitted(), "{name}: admitted with a bad credential");
        let made = Call { name, credential, round: self.round, begun, ended: Instant::now(), said: said.clone() };
        self.calls.push(made);
        said
    }

    /// Presents a ticket. `exchanged` is what the ticket is now, and is updated from the answer.
    async fn exchange(&mut self, name: &'static str, ticket: &str, exchanged: &mut Credential) -> Said {
        let said = self.call(name, *exchanged, async |node| node.exchange(ticket, APP_KEY).await).await;
        *exchanged = match said {
            Said::Admitted(_) => Credential::Bad,
            _ if *exchanged == Credential::Bad => Credential::Bad,
            _ => Credential::Unknown,
        };
        said
    }

    /// Makes TapTalk's calls, and returns the ticket, if one was issued, and what it is now.
    async fn taptalk(&mut self) -> Option<(String, Credential)> {
        let known = format!("user-{}", self.number);
        let user = if self.rounds.is_multiple_of(2) { known } else { format!("{known}-{}", self.rounds) };
        let issued = self.call("ticket request", Credential::Good, async |node| node.ticket(&user).await).await;
        let ticket = issued.given("ticket")?.to_owned();

        let wrong_app = async |node: &Node| node.exchange(&ticket, WRONG_APP_KEY).await;
        self.call("exchange, wrong app", Credential::Bad, wrong_app).await;
        let mut credential = Credential::Good;
        let exchanged = self.exchange("exchange", &ticket, &mut credential).await;
        self.exchange("exchange, replayed", &ticket, &mut credential).await;
        if let Some(access_token) = exchanged.given("accessToken") {
            self.call("check", Credential::Good, async |node| node.check(access_token).await).await;
            let forged = forged(access_token);
            self.call("check, forged token", Credential::Bad, async |node| node.check(&forged).await).await;
        }
        Some((ticket, credential))
    }

    async fn diyalog(&mut self) {
        let (nodes, number) = self.node();
        let customer_no = format!("customer-{}-{}", self.number, self.rounds);
        let token = nodes[number].customer_token(&customer_no, "device").await;
        let right = async |node: &Node| node.customer(&token, &customer_no, "device").await;
        self.call("Diyalog check", Credential::Good, right).await;
        let wrong = async |node: &Node| node.customer(&token, &customer_no, "another").await;
        self.call("Diyalog check, wrong device", Credential::Bad, wrong).await;
    }

    async fn talkdesk(&mut self) {
        let right = async |node: &Node| node.talkdesk(USERNAME, PASSWORD).await;
        self.call("Talkdesk auth", Credential::Good, right).await;
        let somebody = format!("somebody-{}-{}", self.number, self.rounds);
        let wrong = async |node: &Node| node.talkdesk(&somebody, "wrong").await;
        self.call("Talkdesk auth, wrong password", Credential::Bad, wrong).await;
    }
}

/// Returns the token with a changed end.
fn forged(token: &str) -> String {
    let (rest, last) = token.split_at(token.len() - 2);
    format!("{rest}{}", if last.starts_with('A') { "BA" } else { "AA" })
}
