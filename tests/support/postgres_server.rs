//! A PostgreSQL server for one test, on a free loopback port.

#![allow(dead_code, reason = "not every test uses all of it")]

use std::{
    fs,
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use tokio::time::sleep;
use tokio_postgres::{NoTls, SimpleQueryMessage};

/// A running server, which is stopped on drop.
pub(crate) struct Server {
    process: Child,
    pub(crate) port: u16,
    directory: PathBuf,
}

impl Server {
    pub(crate) async fn start() -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let directory = std::env::temp_dir().join(format!("tower-verify-postgres-{}-{port}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        fs::set_permissions(&directory, fs::Permissions::from_mode(0o777)).unwrap();
        let data = directory.join("data");
        let made =
            command("initdb", &data).args(["--auth=trust", "--username=postgres", "--no-sync"]).output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let mut server = Self { process: spawn(port, &data), port, directory };
        server.is_up().await;
        server
    }

    pub(crate) fn url(&self) -> String {
        self.url_at(self.port)
    }

    pub(crate) fn url_at(&self, port: u16) -> String {
        format!("postgres://postgres@127.0.0.1:{port}/postgres")
    }

    /// Runs a statement on a connection of its own, and returns the first column of the first row.
    pub(crate) async fn ask(&self, statement: &str) -> String {
        let (client, connection) = tokio_postgres::connect(&self.url(), NoTls).await.unwrap();
        tokio::spawn(connection);
        let answer = client.simple_query(statement).await.unwrap();
        let mut rows = answer.iter().filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
            _ => None,
        });
        rows.next().unwrap_or_default()
    }

    /// Kills it with `SIGKILL`, as if its machine had failed.
    pub(crate) fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Starts it again on the same port, with its data.
    pub(crate) async fn restart(&mut self) {
        let data = self.directory.join("data");
        let _ = fs::remove_file(data.join("postmaster.pid"));
        self.process = spawn(self.port, &data);
        self.is_up().await;
    }

    async fn is_up(&mut self) {
        for _ in 0..3000 {
            if tokio_postgres::connect(&self.url(), NoTls).await.is_ok() {
                return;
            }
            // After a kill, it does not start while its old child processes still run.
            if self.process.try_wait().unwrap().is_some() {
                self.process = spawn(self.port, &self.directory.join("data"));
            }
            sleep(Duration::from_millis(10)).await;
        }
        panic!("PostgreSQL does not start");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let data = self.directory.join("data");
        let _ = command("pg_ctl", &data).args(["stop", "-m", "immediate", "-W"]).output();
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = fs::remove_dir_all(&self.directory);
    }
}

fn spawn(port: u16, data: &Path) -> Child {
    let mut server = command("postgres", data);
    server.args(["-p", &port.to_string(), "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="]);
    server.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// Makes a command of PostgreSQL. PostgreSQL refuses to run as root, so root runs it as Debian's user `postgres`.
fn command(name: &str, data: &Path) -> Command {
    let program = fs::read_dir("/usr/lib/postgresql")
        .ok()
        .and_then(|versions| versions.filter_map(|version| Some(version.ok()?.path().join("bin").join(name))).max())
        .unwrap_or_else(|| name.into());
    let is_root = Command::new("id").arg("-u").output().is_ok_and(|id| id.stdout == b"0\n");
    let mut command = if is_root {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]).arg(program);
        command
    } else {
        Command::new(program)
    };
    command.arg("-D").arg(data).env("LC_ALL", "C").current_dir("/");
    command
}
