//! A TCP forwarder between a store and its server, like a proxy or a middlebox.

#![allow(dead_code, reason = "not every test uses all of it")]

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU16, AtomicUsize, Ordering::SeqCst},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

pub(crate) struct Forwarder {
    pub(crate) port: u16,
    target: Arc<AtomicU16>,
    connections: Arc<AtomicUsize>,
    silence: Arc<AtomicBool>,
}

impl Forwarder {
    pub(crate) async fn to(target: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let forwarder = Self {
            port: listener.local_addr().unwrap().port(),
            target: Arc::new(AtomicU16::new(target)),
            connections: Arc::default(),
            silence: Arc::default(),
        };
        let (target, connections) = (Arc::clone(&forwarder.target), Arc::clone(&forwarder.connections));
        let silence = Arc::clone(&forwarder.silence);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                connections.fetch_add(1, SeqCst);
                // The silence is for the connections that were there before it began.
                let silence = if silence.load(SeqCst) { Arc::default() } else { Arc::clone(&silence) };
                if let Ok(server) = TcpStream::connect(("127.0.0.1", target.load(SeqCst))).await {
                    tokio::spawn(forward(client, server, silence));
                }
            }
        });
        forwarder
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port)
    }

    /// Forwards new connections to another server. Existing ones stay with theirs.
    pub(crate) fn lead_to(&self, target: u16) {
        self.target.store(target, SeqCst);
    }

    /// Stops forwarding on the existing connections. They stay open, and bytes are still accepted.
    pub(crate) fn fall_silent(&self) {
        self.silence.store(true, SeqCst);
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(SeqCst)
    }
}

async fn forward(client: TcpStream, server: TcpStream, silence: Arc<AtomicBool>) {
    let ((client_in, client_out), (server_in, server_out)) = (client.into_split(), server.into_split());
    let there = tokio::spawn(pump(client_in, server_out, Arc::clone(&silence)));
    pump(server_in, client_out, silence).await;
    there.abort();
}

async fn pump(mut from: impl AsyncReadExt + Unpin, mut to: impl AsyncWriteExt + Unpin, silence: Arc<AtomicBool>) {
    let mut buffer = [0; 4096];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        if !silence.load(SeqCst) && to.write_all(&buffer[..length]).await.is_err() {
            return;
        }
    }
}
