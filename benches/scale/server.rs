//! The servers. Each is a process of its own with one thread, which exits when its standard input is closed.

use std::{
    convert::Infallible,
    fs,
    io::{BufRead, BufReader, Read},
    net::SocketAddr,
    process::{Child, Command, Stdio},
};

use bytes::Bytes;
use http::{
    HeaderValue, Request, Response,
    header::{CACHE_CONTROL, CONTENT_TYPE},
};
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, server::conn::http1};
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use tokio::net::TcpListener;
use tower::{Layer, Service, service_fn};
use tower_verify::BoxError;

use crate::support::{hand_written, layered};

/// What the servers are. All give the same answer to a check with the valid token.
pub(crate) const NAMES: [&str; 3] = ["a static answer", "the check by hand", "the layer"];

pub(crate) struct Server {
    pub(crate) name: &'static str,
    pub(crate) address: SocketAddr,
    process: Child,
}

impl Server {
    pub(crate) fn start(name: &'static str) -> Result<Self, BoxError> {
        let mut command = Command::new(std::env::current_exe()?);
        let mut process = command.args(["serve", name]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let mut address = String::new();
        BufReader::new(process.stdout.take().ok_or("no standard output")?).read_line(&mut address)?;
        let address = address.trim().parse().map_err(|error| format!("{name} did not start: {error}"))?;
        Ok(Self { name, address, process })
    }

    /// The resident memory of the process, in bytes.
    pub(crate) fn resident_bytes(&self) -> Result<u64, BoxError> {
        resident_bytes(&self.process.id().to_string())
    }

    pub(crate) fn core_time(&self) -> Result<CoreTime, BoxError> {
        CoreTime::of(&self.process.id().to_string())
    }
}

/// The resident memory of a process, in bytes.
pub(crate) fn resident_bytes(process: &str) -> Result<u64, BoxError> {
    let pages = fs::read_to_string(format!("/proc/{process}/statm"))?;
    let pages: u64 = pages.split(' ').nth(1).ok_or("no second column")?.parse()?;
    Ok(pages * 4096)
}

/// How long a process's first thread had a core, and how long it waited for one, in seconds.
#[derive(Clone, Copy, Default)]
pub(crate) struct CoreTime {
    pub(crate) had: f64,
    pub(crate) waited: f64,
}

impl CoreTime {
    pub(crate) fn of(process: &str) -> Result<Self, BoxError> {
        let nanos = fs::read_to_string(format!("/proc/{process}/schedstat"))?;
        let mut seconds = nanos.split_whitespace().map(|nanos| nanos.parse::<f64>().map(|nanos| nanos / 1e9));
        let mut next = || seconds.next().ok_or("a column is missing");
        Ok(Self { had: next()??, waited: next()?? })
    }

    /// Adds the time that has passed from `start` to `end`.
    pub(crate) fn add(&mut self, start: Self, end: Self) {
        self.had += end.had - start.had;
        self.waited += end.waited - start.waited;
    }
}

/// Serves until standard input is closed.
pub(crate) fn serve(name: &str) -> Result<(), BoxError> {
    std::thread::spawn(|| {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
        println!("{}", listener.local_addr()?);
        match name {
            "a static answer" => accept(listener, service_fn(static_answer)).await,
            "the check by hand" => accept(listener, hand_written::app()).await,
            "the layer" => accept(listener, layered::layer().layer(hand_written::app())).await,
            _ => Err(format!("unknown server {name:?}").into()),
        }
    })
}

/// Reads the body and answers without a look at it.
async fn static_answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    drop(request.into_body().collect().await);
    let mut response = Response::new(Full::new(Bytes::from_static(b"Validated")));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

async fn accept<S, B>(listener: TcpListener, service: S) -> Result<(), BoxError>
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible, Future: Send> + Clone + Send + 'static,
    B: http_body::Body<Data: Send, Error = Infallible> + Send + 'static,
{
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let service = TowerToHyperService::new(service.clone());
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}
