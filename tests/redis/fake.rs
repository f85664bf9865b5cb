//! A fake Redis with the part of the protocol that the store needs. It answers late, or with errors on its first
//! connection.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    time::sleep,
};

/// Starts a server that answers each `GET` after `delay`, and on its first connection with `error`, if there is one.
/// Returns its URL and the count of its connections.
pub(crate) async fn start(error: Option<&'static str>, delay: Duration) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("redis://{}/", listener.local_addr().unwrap());
    let connections = Arc::<AtomicUsize>::default();
    let count = Arc::clone(&connections);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let first = count.fetch_add(1, SeqCst) == 0;
            tokio::spawn(serve(stream, error.filter(|_| first), delay));
        }
    });
    (url, connections)
}

async fn serve(mut stream: TcpStream, error: Option<&'static str>, delay: Duration) -> std::io::Result<()> {
    let (reading, mut writing) = stream.split();
    let mut reading = BufReader::new(reading);
    loop {
        let command = command(&mut reading).await?;
        let answer = match &*command[0].to_ascii_uppercase() {
            "HELLO" => "%1\r\n+proto\r\n:3\r\n".to_owned(),
            "CLIENT" => "+OK\r\n".to_owned(),
            "GET" => {
                sleep(delay).await;
                error.map_or("_\r\n".to_owned(), |error| format!("-{error} as the test says\r\n"))
            }
            // The store's self-test on connecting: it claims a new key, replaces its value, and takes it.
            "SET" => "_\r\n".to_owned(),
            "EVALSHA" => ":1\r\n".to_owned(),
            "GETDEL" => "$1\r\n2\r\n".to_owned(),
            other => format!("-ERR unknown command {other}\r\n"),
        };
        writing.write_all(answer.as_bytes()).await?;
    }
}

/// Reads a command: an array of bulk strings.
async fn command(reading: &mut (impl AsyncBufReadExt + Unpin)) -> std::io::Result<Vec<String>> {
    let count = length(reading, '*').await?;
    let mut words = Vec::new();
    for _ in 0..count {
        let mut word = vec![0; length(reading, '$').await? + 2];
        reading.read_exact(&mut word).await?;
        word.truncate(word.len() - 2);
        words.push(String::from_utf8_lossy(&word).into_owned());
    }
    Ok(words)
}

async fn length(reading: &mut (impl AsyncBufReadExt + Unpin), sign: char) -> std::io::Result<usize> {
    let mut line = String::new();
    reading.read_line(&mut line).await?;
    let length = line.trim_end().strip_prefix(sign).and_then(|length| length.parse().ok());
    length.ok_or(std::io::ErrorKind::InvalidData.into())
}
