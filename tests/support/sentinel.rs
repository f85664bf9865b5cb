//! A Redis Sentinel for one test, which watches a primary and its replica.

use std::{
    fs,
    net::TcpListener,
    path::PathBuf,
    process::{Child, Command, Stdio},
};

/// A running sentinel, which is killed on drop.
pub(crate) struct Sentinel {
    process: Child,
    port: u16,
    directory: PathBuf,
}

impl Sentinel {
    /// Starts a sentinel for the primary on this port. The primary's name is `primary`.
    pub(crate) fn start(primary: u16) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let directory = std::env::temp_dir().join(format!("tower-verify-sentinel-{}-{port}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        let config = directory.join("sentinel.conf");
        let monitor = format!(
            "port {port}\nbind 127.0.0.1\nsentinel monitor primary 127.0.0.1 {} 1\n\
             sentinel down-after-milliseconds primary 500\nsentinel failover-timeout primary 2000\n",
            primary
        );
        fs::write(&config, monitor).unwrap();
        let process = Command::new("redis-server").arg(&config).arg("--sentinel").stdout(Stdio::null()).spawn();
        Self { process: process.expect("`redis-server` must be in the PATH for this test"), port, directory }
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port)
    }
}

impl Drop for Sentinel {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = fs::remove_dir_all(&self.directory);
    }
}
