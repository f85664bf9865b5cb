//! A `redis-server` for one test, on a free loopback port. `redis-server` must be in the `PATH`.

#![allow(dead_code, reason = "not every test uses all of it")]

use std::{
    fs,
    net::TcpListener,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};

use redis::{RedisResult, aio::MultiplexedConnection};
use tokio::time::sleep;
use tower_verify::store::RedisStore;

/// A running server, which is killed on drop.
pub(crate) struct RedisServer {
    process: Child,
    pub(crate) port: u16,
    options: &'static [&'static str],
}

impl RedisServer {
    pub(crate) async fn start(options: &'static [&'static str]) -> Self {
        // Another process may take the free port before the server binds it.
        for _ in 0..10 {
            let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            let mut server = Self { process: spawn(port, options), port, options };
            if server.is_up().await {
                return server;
            }
        }
        panic!("`redis-server` does not start");
    }

    /// Waits until it answers. Returns false if it has ended, as when another process has its port.
    async fn is_up(&mut self) -> bool {
        let own = format!("process_id:{}\r\n", self.process.id());
        while self.process.try_wait().unwrap().is_none() {
            if self.info().await.is_ok_and(|info| info.contains(&own)) {
                return true;
            }
            sleep(Duration::from_millis(10)).await;
        }
        false
    }

    async fn info(&self) -> RedisResult<String> {
        redis::cmd("INFO").arg("server").query_async(&mut self.try_raw().await?).await
    }

    async fn try_raw(&self) -> RedisResult<MultiplexedConnection> {
        redis::Client::open(self.url())?.get_multiplexed_async_connection().await
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port)
    }

    pub(crate) async fn connect(&self) -> RedisStore {
        RedisStore::connect(&self.url()).await.unwrap()
    }

    /// Opens a connection without a store.
    pub(crate) async fn raw(&self) -> MultiplexedConnection {
        self.try_raw().await.unwrap()
    }

    pub(crate) fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Starts it again on the same port, with the same options. Data that it did not write to disk is gone.
    pub(crate) async fn restart(&mut self) {
        self.process = spawn(self.port, self.options);
        assert!(self.is_up().await, "`redis-server` does not start again");
    }

    pub(crate) fn signal(&self, signal: &str) {
        let sent = Command::new("sh").args(["-c", &format!("kill -{signal} {}", self.process.id())]).status();
        assert!(sent.unwrap().success());
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = fs::remove_dir_all(directory(self.port));
    }
}

/// The server's working directory, where a replica writes its primary's snapshot.
fn directory(port: u16) -> PathBuf {
    std::env::temp_dir().join(format!("tower-verify-redis-{}-{port}", std::process::id()))
}

/// Starts it in an empty working directory. Options may name another one.
fn spawn(port: u16, options: &[&str]) -> Child {
    let _ = fs::remove_dir_all(directory(port));
    fs::create_dir_all(directory(port)).unwrap();
    Command::new("redis-server")
        .current_dir(directory(port))
        .args(["--bind", "127.0.0.1", "--port", &port.to_string(), "--save", "", "--appendonly", "no"])
        .args(options)
        .stdout(Stdio::null())
        .spawn()
        .expect("`redis-server` must be in the PATH for this test")
}
