use std::{
    io,
    pin::pin,
    sync::{Arc, Weak},
    time::Duration,
};

use redis::{
    AsyncConnectionConfig, Cmd, ErrorKind, FromRedisValue, Pipeline, PushInfo, PushKind, RedisError, RedisFuture,
    RedisResult, ScriptInvocation, Value,
    aio::{ConnectionLike, MultiplexedConnection},
    cluster_async::ClusterConnection,
};
use tokio::{
    sync::watch,
    time::{Instant, sleep, timeout},
};

use super::connector::Connector;

/// The shortest and the longest delay before another attempt to connect. A random part is added, of up to the same
/// length, so that nodes do not reconnect all at once.
const DELAY: (Duration, Duration) = (Duration::from_millis(20), Duration::from_millis(125));

/// A connection that fails sooner than this is replaced after a delay.
const SHORT_LIFE: Duration = Duration::from_secs(1);

/// A connection to a server, or to a cluster of them.
#[derive(Clone)]
pub(super) enum Connection {
    Server(MultiplexedConnection),
    Cluster(ClusterConnection),
}

impl ConnectionLike for Connection {
    fn req_packed_command<'a>(&'a mut self, cmd: &'a Cmd) -> RedisFuture<'a, Value> {
        match self {
            Self::Server(connection) => connection.req_packed_command(cmd),
            Self::Cluster(connection) => connection.req_packed_command(cmd),
        }
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        cmd: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        match self {
            Self::Server(connection) => connection.req_packed_commands(cmd, offset, count),
            Self::Cluster(connection) => connection.req_packed_commands(cmd, offset, count),
        }
    }

    fn get_db(&self) -> i64 {
        match self {
            Self::Server(connection) => connection.get_db(),
            Self::Cluster(connection) => connection.get_db(),
        }
    }
}

/// One operation of the store, as it is sent.
pub(super) struct Operation<'a> {
    pub(super) sent: Sent<'a>,
    /// How many replicas must have its write.
    pub(super) replicas: u32,
}

/// A command or a script. A script that the server does not know is not run, so it can be loaded and sent again.
pub(super) enum Sent<'a> {
    Command(&'a Cmd),
    Script(&'a ScriptInvocation<'a>),
}

impl Operation<'_> {
    async fn send<T: FromRedisValue>(&self, connection: &mut Connection, limit: Duration) -> RedisResult<T> {
        let answer = match self.sent {
            Sent::Command(command) => command.query_async(connection).await?,
            Sent::Script(script) => script.invoke_async(connection).await?,
        };
        if self.replicas > 0 {
            let mut wait = redis::cmd("WAIT");
            wait.arg(self.replicas).arg(u64::try_from(limit.as_millis()).unwrap_or(u64::MAX));
            // `WAIT` concerns the writes of its own connection, so it must be sent on the same one.
            let replicas: u32 = wait.query_async(connection).await?;
            if replicas < self.replicas {
                return Err((ErrorKind::Client, "too few replicas have the write").into());
            }
        }
        Ok(answer)
    }
}

/// The connection of a store, which is replaced when it fails.
pub(super) struct Connections {
    connector: Connector,
    connect_timeout: Duration,
    present: watch::Sender<Present>,
}

struct Present {
    /// The number of the connection, counted from 1.
    number: u64,
    /// `None` while the store reconnects.
    connection: Option<Connection>,
    /// How many connections in a row had a short life.
    short_lives: u32,
    made_at: Instant,
    /// When the server last answered.
    answered_at: Instant,
    /// Why the last attempt to connect failed.
    error: Option<Arc<RedisError>>,
}

impl Connections {
    /// Connects for the first time.
    pub(super) async fn new(connector: Connector, connect_timeout: Duration) -> RedisResult<Arc<Self>> {
        let now = Instant::now();
        let nothing =
            Present { number: 0, connection: None, short_lives: 0, made_at: now, answered_at: now, error: None };
        let connections = Arc::new(Self { connector, connect_timeout, present: watch::Sender::new(nothing) });
        connections.connect().await?;
        Ok(connections)
    }

    /// Runs `operation` on the connection. Waits for a connection first if there is none.
    ///
    /// The connection is replaced if it fails, if the answer shows that this is the wrong server, or if no answer
    /// arrives for `silence`. The operation is not repeated: it may have been done.
    pub(super) async fn run<T: FromRedisValue>(
        self: &Arc<Self>,
        operation: &Operation<'_>,
        silence: Duration,
    ) -> RedisResult<T> {
        let mut receiver = self.present.subscribe();
        let (number, mut connection) = {
            let present = receiver.wait_for(|present| present.connection.is_some()).await;
            let present = present.expect("the sender is in `self`");
            (present.number, present.connection.clone().expect("`wait_for` found a connection"))
        };
        let sent_at = Instant::now();
        let mut sending = pin!(operation.send(&mut connection, silence));
        let result = match timeout(silence, &mut sending).await {
            Ok(result) => result,
            Err(_) => {
                // A server that is only slow has answered earlier commands meanwhile: answers come in their order.
                if self.present.borrow().answered_at < sent_at {
                    self.lose(number);
                }
                sending.await
            }
        };
        match &result {
            Err(error) if is_of_connection(error) || is_of_wrong_server(error) => {
                self.lose(number);
            }
            _ => self.answered(number),
        }
        result
    }

    /// Why there is no connection, if that is known.
    pub(super) fn error(&self) -> Option<Arc<RedisError>> {
        self.present.borrow().error.clone()
    }

    fn answered(&self, number: u64) {
        self.present.send_if_modified(|present| {
            if present.number == number {
                present.answered_at = Instant::now();
            }
            // No task waits for this.
            false
        });
    }

    /// Closes the connection `number`, unless that was done already, and reconnects in the background.
    fn lose(self: &Arc<Self>, number: u64) {
        let mut delay = Duration::ZERO;
        let lost = self.present.send_if_modified(|present| {
            if present.number != number || present.connection.take().is_none() {
                return false;
            }
            if present.made_at.elapsed() < SHORT_LIFE {
                delay = backoff(present.short_lives);
                present.short_lives = present.short_lives.saturating_add(1);
            } else {
                present.short_lives = 0;
            }
            true
        });
        if lost {
            tokio::spawn(Self::connect_again(Arc::downgrade(self), delay));
        }
    }

    /// Tries to connect until it succeeds or the store is dropped.
    async fn connect_again(connections: Weak<Self>, delay: Duration) {
        sleep(delay).await;
        for attempts in 0.. {
            let Some(connections) = connections.upgrade() else { return };
            let Err(error) = connections.connect().await else { return };
            connections.present.send_if_modified(|present| {
                present.error = Some(Arc::new(error));
                false
            });
            drop(connections);
            sleep(backoff(attempts)).await;
        }
    }

    async fn connect(self: &Arc<Self>) -> RedisResult<()> {
        let number = self.present.borrow().number + 1;
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.connect_timeout))
            .set_response_timeout(None)
            .set_push_sender(self.watch(number));
        let connecting = timeout(self.connect_timeout, self.connector.connect(&config)).await;
        let connection = connecting.unwrap_or_else(|elapsed| Err(io::Error::from(elapsed).into()))?;
        self.present.send_modify(|present| {
            let now = Instant::now();
            present.number = number;
            present.connection = Some(connection);
            (present.made_at, present.answered_at) = (now, now);
            present.error = None;
        });
        Ok(())
    }

    /// Returns a callback that notices the loss of the connection `number`, even while it is idle.
    fn watch(self: &Arc<Self>, number: u64) -> impl Fn(PushInfo) -> Result<(), redis::aio::SendError> + use<> {
        let connections = Arc::downgrade(self);
        move |push| {
            if push.kind == PushKind::Disconnection
                && let Some(connections) = connections.upgrade()
            {
                connections.lose(number);
            }
            Ok(())
        }
    }
}

/// Whether the error shows that nothing more can be read from the connection.
fn is_of_connection(error: &RedisError) -> bool {
    error.is_unrecoverable_error() || error.is_io_error()
}

/// Whether the error shows that this is the wrong server: a replica, one that is not ready, or one that refuses our
/// login.
fn is_of_wrong_server(error: &RedisError) -> bool {
    const CODES: [&str; 8] =
        ["READONLY", "MASTERDOWN", "LOADING", "MOVED", "ASK", "CLUSTERDOWN", "NOAUTH", "WRONGPASS"];
    error.code().is_some_and(|code| CODES.contains(&code))
}

fn backoff(attempts: u32) -> Duration {
    let delay = DELAY.0.saturating_mul(2_u32.saturating_pow(attempts)).min(DELAY.1);
    // Without randomness from the operating system, nodes reconnect at the same time: that is no reason to fail.
    let random = getrandom::u32().unwrap_or(0);
    delay + delay.mul_f64(f64::from(random) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_reading_and_writing_are_those_of_the_connection() {
        for kind in [io::ErrorKind::BrokenPipe, io::ErrorKind::PermissionDenied, io::ErrorKind::TimedOut] {
            assert!(is_of_connection(&io::Error::from(kind).into()), "{kind}");
        }
        assert!(is_of_connection(&(ErrorKind::Parse, "an answer cannot be read").into()));
        assert!(!is_of_connection(&(ErrorKind::Client, "too few replicas have the write").into()));
    }

    #[test]
    fn a_delay_doubles_up_to_its_maximum_and_at_most_doubles_at_random() {
        for (attempts, millis) in [(0, 20), (1, 40), (2, 80), (3, 125), (u32::MAX, 125)] {
            let delay = Duration::from_millis(millis);
            for _ in 0..100 {
                assert!((delay..=2 * delay).contains(&backoff(attempts)), "{attempts}");
            }
        }
    }
}
