use std::{io, net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, sleep, timeout_at},
};

use super::frames;

/// The way in which a hostile peer uses one connection after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Attack {
    /// Says nothing.
    Silent,
    /// Sends a head, or the beginning of HTTP/2, a byte at a time.
    DrippedHead,
    DrippedPreface,
    /// Sends a body a byte at a time.
    DrippedBody,
    /// Closes its half of the connection in the middle of a body.
    HalfClosed,
    /// Resets the connection in the middle of a body.
    Reset,
    /// Announces another length than it sends, or two of them.
    LyingLength,
    /// Opens streams and resets them at once.
    RapidReset,
    /// Sends a head of HTTP/2 that never ends.
    ContinuationFlood,
    /// Sends a body of frames without a byte.
    EmptyFrames,
    /// Opens 5,000 streams whose bodies never come.
    ManyStreams,
    /// Sends PING and SETTINGS, and reads no answer.
    Pings,
    /// Makes one good call, and then says nothing.
    Idle,
}

/// The pause between two bytes of a drip.
const DRIP: Duration = Duration::from_millis(20);

/// The pause before the next connection, so that an attacker does not take a core for itself.
const PAUSE: Duration = Duration::from_millis(5);

const STREAMS: u32 = 5_000;

impl Attack {
    pub(crate) const ALL: [Self; 13] = [
        Self::Silent,
        Self::DrippedHead,
        Self::DrippedPreface,
        Self::DrippedBody,
        Self::HalfClosed,
        Self::Reset,
        Self::LyingLength,
        Self::RapidReset,
        Self::ContinuationFlood,
        Self::EmptyFrames,
        Self::ManyStreams,
        Self::Pings,
        Self::Idle,
    ];

    /// Attacks until then, over one connection at a time. Returns the number of connections, and how long the longest one
    /// was open.
    pub(crate) async fn run(self, address: SocketAddr, until: Instant) -> (usize, Duration) {
        let (mut connections, mut longest) = (0, Duration::ZERO);
        while Instant::now() < until {
            let opened = Instant::now();
            // An error is the server's answer: it has closed the connection.
            let _ = timeout_at(until, self.once(address, connections)).await;
            connections += 1;
            longest = longest.max(opened.elapsed());
            sleep(PAUSE).await;
        }
        (connections, longest)
    }

    async fn once(self, address: SocketAddr, number: usize) -> io::Result<()> {
        let mut stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        match self {
            Self::Silent => until_closed(&mut stream).await,
            Self::DrippedHead => drip(stream, head("content-length: 2").as_bytes()).await,
            Self::DrippedPreface => drip(stream, frames::PREFACE).await,
            Self::DrippedBody => {
                stream.write_all(head("content-length: 1000").as_bytes()).await?;
                drip(stream, &[b' '; 1000]).await
            }
            Self::HalfClosed => {
                stream.write_all(head("content-length: 100").as_bytes()).await?;
                stream.write_all(b"{\"deviceId\"").await?;
                stream.shutdown().await?;
                until_closed(&mut stream).await
            }
            Self::Reset => {
                stream.write_all(head("content-length: 100").as_bytes()).await?;
                stream.write_all(b"{\"deviceId\"").await?;
                sleep(DRIP).await;
                stream.set_zero_linger()
            }
            Self::LyingLength => {
                let lengths = [
                    "content-length: 2",
                    "content-length: 99999999999",
                    "content-length: 2\r\ncontent-length: 3",
                    "content-length: -1",
                    "content-length: 2\r\ntransfer-encoding: chunked",
                ];
                stream.write_all(head(lengths[number % lengths.len()]).as_bytes()).await?;
                stream.write_all(&[b'{'; 20_000]).await?;
                until_closed(&mut stream).await
            }
            _ => self.flood(stream).await,
        }
    }

    /// The attacks over HTTP/2.
    async fn flood(self, stream: TcpStream) -> io::Result<()> {
        let (mut reader, mut writer) = stream.into_split();
        let read = async {
            match self {
                // It never reads, so that the answers pile up.
                Self::Pings => std::future::pending().await,
                _ => until_closed(&mut reader).await,
            }
        };
        let write = async {
            writer.write_all(&[frames::PREFACE, &frames::settings()].concat()).await?;
            match self {
                Self::RapidReset => {
                    for stream in (1..).step_by(2) {
                        writer.write_all(&[frames::headers(stream), frames::reset(stream)].concat()).await?;
                        breathe(stream).await;
                    }
                }
                Self::ContinuationFlood => {
                    writer.write_all(&frames::unfinished_headers(1)).await?;
                    for number in 0.. {
                        writer.write_all(&frames::continuation(1)).await?;
                        breathe(number).await;
                    }
                }
                Self::EmptyFrames => {
                    writer.write_all(&frames::headers(1)).await?;
                    for number in 0.. {
                        writer.write_all(&frames::data(1, &[])).await?;
                        breathe(number).await;
                    }
                }
                Self::ManyStreams => {
                    for stream in (1..2 * STREAMS).step_by(2) {
                        writer.write_all(&frames::headers(stream)).await?;
                        breathe(stream).await;
                    }
                }
                Self::Pings => {
                    for number in 0.. {
                        writer.write_all(&[frames::ping(), frames::settings()].concat()).await?;
                        breathe(number).await;
                    }
                }
                _ => {
                    let body = super::honest::GOOD;
                    writer.write_all(&frames::headers(1)).await?;
                    writer.write_all(&frames::data(1, body.as_bytes())).await?;
                }
            }
            std::future::pending().await
        };
        tokio::select! {
            read = read => read,
            written = write => written,
        }
    }
}

/// After some frames, waits for a moment: the attackers and the honest clients share a machine.
async fn breathe(number: u32) {
    if number % 128 > 125 {
        sleep(Duration::from_millis(2)).await;
    }
}

fn head(lengths: &str) -> String {
    format!("POST /checkauthtoken HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n{lengths}\r\n\r\n")
}

/// Sends a byte at a time, until the server closes the connection or has answered.
async fn drip(stream: TcpStream, bytes: &[u8]) -> io::Result<()> {
    let (mut reader, mut writer) = stream.into_split();
    let write = async {
        for byte in bytes {
            writer.write_all(&[*byte]).await?;
            sleep(DRIP).await;
        }
        std::future::pending().await
    };
    tokio::select! {
        written = write => written,
        closed = until_closed(&mut reader) => closed,
    }
}

async fn until_closed(stream: &mut (impl AsyncReadExt + Unpin)) -> io::Result<()> {
    let mut buffer = [0; 4096];
    while stream.read(&mut buffer).await? > 0 {}
    Ok(())
}
