//! Starts nodes: processes of the axum example that share a Redis.

use std::{
    env::{self, consts::EXE_SUFFIX},
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, ChildStdout, Command, Stdio},
    sync::{Arc, OnceLock},
};

use bytes::Bytes;
use http_body_util::Full;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use tokio::sync::{Mutex, MutexGuard};

use crate::redis_server::RedisServer;

pub(crate) const OLD_KEY: &str = "old:b2xkIGtleSBvZiB0aGUgdGVzdHMsIG9mIDI1NiBiaXQ";
pub(crate) const NEW_KEY: &str = "new:bmV3IGtleSBvZiB0aGUgdGVzdHMsIG9mIDI1NiBiaXQ";

/// A lock that each cluster holds: two at once would slow each other down.
static MACHINE: Mutex<()> = Mutex::const_new(());

pub(crate) struct Cluster {
    pub(crate) nodes: Arc<[Node]>,
    pub(crate) redis: RedisServer,
    _machine: MutexGuard<'static, ()>,
}

impl Cluster {
    /// Starts one node for each of `token_keys`, with `variables` in its environment.
    pub(crate) async fn start(token_keys: &[&str], variables: &[(&str, &str)]) -> Self {
        let machine = MACHINE.lock().await;
        let redis = RedisServer::start(&[]).await;
        let url = redis.url();
        let nodes = token_keys.iter().map(|keys| {
            let own = [("LISTEN", "127.0.0.1:0"), ("REDIS_URL", &url), ("TOKEN_KEYS", keys)];
            Node::start(own.iter().chain(variables).copied())
        });
        Self { nodes: nodes.collect(), redis, _machine: machine }
    }

    /// Starts three nodes that share one key.
    pub(crate) async fn of_three(variables: &[(&str, &str)]) -> Self {
        Self::start(&[OLD_KEY; 3], variables).await
    }

    /// Returns the node for the call of this number, in turn.
    pub(crate) fn node(&self, number: usize) -> &Node {
        &self.nodes[number % self.nodes.len()]
    }
}

/// A process of the example, which is killed on drop.
pub(crate) struct Node {
    process: Child,
    /// Kept open for the example to write to.
    _stdout: BufReader<ChildStdout>,
    log: Arc<std::sync::Mutex<String>>,
    pub(crate) url: String,
    /// The address of its metrics, if it serves them.
    pub(crate) metrics_url: Option<String>,
    pub(crate) client: Client<HttpConnector, Full<Bytes>>,
}

impl Node {
    pub(crate) fn start<'a>(variables: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut process = Command::new(example())
            .env_remove("TAPTALK_BASE")
            .env_remove("THROTTLE_FAILURES")
            .envs(variables)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the example cannot be started");
        let mut stdout = BufReader::new(process.stdout.take().expect("the output is piped"));
        let stderr = BufReader::new(process.stderr.take().expect("the errors are piped"));
        let log = Arc::<std::sync::Mutex<String>>::default();
        let written = Arc::clone(&log);
        std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                eprintln!("{line}");
                *written.lock().unwrap() += &(line + "\n");
            }
        });
        let mut lines = [String::new(), String::new()];
        let read = lines.each_mut().map(|line| stdout.read_line(line));
        // From here on, a failed assertion drops the node, which kills the process.
        let mut node = Self {
            process,
            _stdout: stdout,
            log,
            url: String::new(),
            metrics_url: None,
            client: Client::builder(TokioExecutor::new()).build_http(),
        };
        assert!(read.iter().all(Result::is_ok), "the example's output is not text");
        let [url, metrics_url] = lines;
        let url = url.trim_end().strip_prefix("# listening on ").expect("the first line is not the address");
        url.clone_into(&mut node.url);
        node.metrics_url = metrics_url.trim_end().strip_prefix("# metrics on ").map(str::to_owned);
        node
    }

    /// Returns its log so far.
    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// Asks it to stop with `SIGTERM`, as a service manager does.
    pub(crate) fn terminate(&self) {
        let kill = Command::new("kill").args(["-TERM", &self.process.id().to_string()]).status();
        assert!(kill.expect("`kill` must be in the PATH").success());
    }

    /// Waits until it has stopped, and returns whether its exit status is 0.
    pub(crate) fn stopped(mut self) -> bool {
        self.process.wait().expect("the process cannot be waited for").success()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Builds the example with the features of this test, and returns its path.
fn example() -> &'static PathBuf {
    static EXAMPLE: OnceLock<PathBuf> = OnceLock::new();
    EXAMPLE.get_or_init(|| {
        let test = env::current_exe().expect("the test's path is unknown");
        let profile = test.ancestors().nth(2).expect("the test is not in a profile's folder");
        let mut features = vec!["redis"];
        features.extend(cfg!(feature = "redis-tls").then_some("redis-tls"));
        features.extend(cfg!(feature = "https-client").then_some("https-client"));

        let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.current_dir(env!("CARGO_MANIFEST_DIR")).args(["build", "--quiet", "--example", "axum", "--features"]);
        cargo.arg(features.join(","));
        if profile.ends_with("release") {
            cargo.arg("--release");
        }
        assert!(cargo.status().expect("cargo cannot be started").success(), "the example cannot be built");
        profile.join("examples").join(format!("axum{EXE_SUFFIX}"))
    })
}
