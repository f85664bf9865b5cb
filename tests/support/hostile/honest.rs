use std::{io, net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, sleep, timeout},
};

/// A good check.
pub(crate) const GOOD: &str = r#"{"deviceId": "1234", "dlgToken": "2121sa", "customerNo": "1234567"}"#;

/// How long an honest client waits for an answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// The observations of honest clients.
#[derive(Default)]
pub(crate) struct Honest {
    pub(crate) latencies: Vec<Duration>,
    pub(crate) failures: Vec<String>,
}

impl Honest {
    /// Makes one good call after the other until then, over one connection each, with this pause in between.
    pub(crate) async fn run(address: SocketAddr, clients: usize, until: Instant, pause: Duration) -> Self {
        let tasks: Vec<_> = (0..clients).map(|_| tokio::spawn(client(address, until, pause))).collect();
        let mut all = Self::default();
        for task in tasks {
            match task.await {
                Ok(of_client) => {
                    all.latencies.extend(of_client.latencies);
                    all.failures.extend(of_client.failures);
                }
                Err(error) => all.failures.push(error.to_string()),
            }
        }
        all.latencies.sort_unstable();
        all
    }

    /// The latency that this part of the calls stays below.
    pub(crate) fn percentile(&self, part: f64) -> Duration {
        let at = (self.latencies.len() as f64 * part) as usize;
        self.latencies.get(at.min(self.latencies.len().saturating_sub(1))).copied().unwrap_or_default()
    }
}

async fn client(address: SocketAddr, until: Instant, pause: Duration) -> Honest {
    let mut seen = Honest::default();
    let Ok(mut stream) = TcpStream::connect(address).await else {
        seen.failures.push("no connection".to_owned());
        return seen;
    };
    while Instant::now() < until {
        let begun = Instant::now();
        match timeout(PATIENCE, call(&mut stream)).await {
            Ok(Ok(())) => seen.latencies.push(begun.elapsed()),
            Ok(Err(error)) => {
                seen.failures.push(error.to_string());
                return seen;
            }
            Err(_) => {
                seen.failures.push("no answer".to_owned());
                return seen;
            }
        }
        sleep(pause).await;
    }
    seen
}

async fn call(stream: &mut TcpStream) -> io::Result<()> {
    let request = format!(
        "POST /checkauthtoken HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{GOOD}",
        GOOD.len()
    );
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    while !answer.ends_with(b"Validated") {
        if stream.read_buf(&mut answer).await? == 0 {
            let answer = String::from_utf8_lossy(&answer);
            return Err(io::Error::other(format!("the connection ended after {answer:?}")));
        }
        if answer.len() > 4096 {
            return Err(io::Error::other("another answer"));
        }
    }
    Ok(())
}
