//! Connections to a server, and an open loop of checks over them.
//!
//! A request is sent when it is due, whether earlier ones were answered or not, and its latency counts from the time at
//! which it was due. So a stall counts for every request that it delays, which a client that waits for each answer
//! before it sends the next request would not see.

use std::{
    io,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    task::{JoinHandle, yield_now},
};
use tower_verify::BoxError;

use crate::support::{TOKEN, call};

/// When each request of a turn is due, from the turn's start.
pub(crate) type Schedule = Arc<[Duration]>;

/// Makes a schedule of `requests` requests at this rate per second. The gaps are random, as between the requests of many
/// independent users, and the same in each run.
pub(crate) fn schedule(requests: usize, rate: f64) -> Schedule {
    let (mut random, mut due) = (0x9e37_79b9_7f4a_7c15_u64, 0.0);
    let gaps = std::iter::repeat_with(|| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        -((random >> 11) as f64 / (1_u64 << 53) as f64).max(1e-9).ln() / rate
    });
    let due = gaps.take(requests).map(|gap| {
        due += gap;
        Duration::from_secs_f64(due)
    });
    due.collect()
}

/// Open connections to one server.
pub(crate) struct Connections {
    senders: Vec<OwnedWriteHalf>,
    receivers: Vec<OwnedReadHalf>,
    request: Vec<u8>,
    /// The length of each answer.
    len: usize,
}

impl Connections {
    /// Opens connections, and makes a check over each. Returns the answer too, without the headers that the server adds.
    pub(crate) async fn open(address: SocketAddr, connections: usize) -> Result<(Self, String), BoxError> {
        let body = call::body(TOKEN);
        let request = format!(
            "POST /checkauthtoken HTTP/1.1\r\nhost: {address}\r\nuser-agent: okhttp/4.12.0\r\naccept: */*\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len(),
        );
        let (mut senders, mut receivers, mut answer) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..connections {
            let stream = TcpStream::connect(address).await.map_err(|error| {
                format!("connection {} to a server: {error}. `ulimit -n` must be 8192 or more.", senders.len() + 1)
            })?;
            stream.set_nodelay(true)?;
            let (mut receiver, mut sender) = stream.into_split();
            sender.write_all(request.as_bytes()).await?;
            answer.clear();
            while !answer.ends_with(ANSWER) {
                if receiver.read_buf(&mut answer).await? == 0 {
                    return Err(format!("the answer is {:?}", String::from_utf8_lossy(&answer)).into());
                }
            }
            senders.push(sender);
            receivers.push(receiver);
        }
        let (len, answer) = (answer.len(), String::from_utf8(answer)?);
        let mut lines: Vec<_> = answer.lines().filter(|line| !line.starts_with("date:")).collect();
        lines.sort_unstable();
        Ok((Self { senders, receivers, request: request.into_bytes(), len }, lines.join("\n")))
    }

    /// Sends requests as scheduled, over each connection in turn. Returns the latencies of those that were due after
    /// `warm_up`.
    pub(crate) async fn load(&mut self, due: &Schedule, warm_up: Duration) -> Result<Vec<Duration>, BoxError> {
        let (connections, len, start) = (self.senders.len(), self.len, Instant::now());
        let receivers = self.receivers.drain(..).enumerate();
        let receive = receivers.map(|(first, receiver)| {
            let due = Arc::clone(due);
            tokio::spawn(async move {
                let due = due.iter().skip(first).step_by(connections).copied();
                receive(receiver, len, start, due, warm_up).await
            })
        });
        let receiving: Vec<JoinHandle<_>> = receive.collect();
        for (due, sender) in due.iter().zip((0..connections).cycle()) {
            // Yielding reads what has arrived. A timer would be late by up to a millisecond.
            while start.elapsed() < *due {
                yield_now().await;
            }
            if self.senders[sender].try_write(&self.request)? < self.request.len() {
                return Err("a request does not fit into the socket's buffer: the server has stopped reading".into());
            }
        }
        let mut latencies = Vec::with_capacity(due.len());
        for receiving in receiving {
            let (receiver, of_connection) = receiving.await??;
            self.receivers.push(receiver);
            latencies.extend(of_connection);
        }
        Ok(latencies)
    }
}

/// The last bytes of each answer.
const ANSWER: &[u8] = b"Validated";

/// Receives an answer of `len` bytes for each request that is due.
async fn receive(
    mut stream: OwnedReadHalf,
    len: usize,
    start: Instant,
    due: impl Iterator<Item = Duration>,
    warm_up: Duration,
) -> io::Result<(OwnedReadHalf, Vec<Duration>)> {
    let (mut buffer, mut received, mut latencies) = ([0; 1024], 0, Vec::new());
    for due in due {
        while received < len {
            let read = stream.read(&mut buffer).await?;
            received += read;
            if read == 0 || received % len == 0 && !buffer[..read].ends_with(ANSWER) {
                return Err(io::Error::other("a server's answer is another one than at first"));
            }
        }
        received -= len;
        if due >= warm_up {
            latencies.push(start.elapsed() - due);
        }
    }
    Ok((stream, latencies))
}
