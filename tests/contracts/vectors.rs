//! The runner of contract vectors. A vector is a platform's request, the verifier's result, and the exact answer.
//!
//! A platform's module gives [`run`] its file and a function that turns a vector into an app, mostly by
//! [`Vector::serve`]. Each vector is sent four times: in process and over a socket, each with a `Content-Length` and
//! chunked. Both the file and the answers are read strictly: an unknown key, a name used twice or an additional header
//! is a failure.

mod send;

use std::{
    collections::{BTreeMap, HashSet},
    convert::Infallible,
    fs,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use futures::stream;
use http::{Request, Response, header::TRANSFER_ENCODING};
use http_body_util::{Full, StreamBody};
use hyper::body::Frame;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use tower::{Service, ServiceBuilder, ServiceExt, service_fn, util::BoxCloneSyncService};
use tower_verify::{
    BoxError, CallerSecret, Contract, Credential, Endpoint, Failure, Verifier, VerifyLayer, layer::ResponseBody,
    verifier_fn,
};

use self::send::{App, Body, boxed};

/// The retry-after of a verifier in a `throttled` vector. It is not whole seconds, so that rounding is tested.
pub(crate) const RETRY_AFTER: Duration = Duration::from_millis(29_500);

pub(crate) type VerdictOf<E> = <<E as Contract>::Credential as Credential>::Verdict;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Vector {
    pub(crate) name: String,
    pub(crate) endpoint: String,
    #[serde(default)]
    pub(crate) options: Options,
    request: RequestVector,
    pub(crate) verifier: Script,
    /// The credential that the verifier must have been asked about, as the platform's module reports it.
    asked: Option<Value>,
    pub(crate) answer: Answer,
    /// The check of the platform's conformance suite that makes this call: its row and its name.
    #[cfg_attr(not(feature = "conformance"), expect(dead_code, reason = "the checks are not built"))]
    pub(crate) played: Option<String>,
    /// Why no check makes this call.
    #[cfg_attr(not(feature = "conformance"), expect(dead_code, reason = "the checks are not built"))]
    pub(crate) not_played: Option<String>,
}

/// The options of the layer and those of the platform.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Options {
    path: Option<String>,
    pub(crate) body_limit: Option<usize>,
    pub(crate) caller_secret: Option<CallerSecretVector>,
    enabled: Option<bool>,
    #[serde(flatten)]
    own: Map<String, Value>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CallerSecretVector {
    header: String,
    live: Vec<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct RequestVector {
    method: String,
    /// The path and the query.
    path: String,
    #[serde(default)]
    headers: Vec<(String, String)>,
    body: Option<String>,
    body_hex: Option<String>,
    body_repeat: Option<Repeat>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Repeat {
    before: String,
    text: String,
    times: usize,
    after: String,
}

/// What the verifier does.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(crate) enum Script {
    #[serde(rename = "verdict")]
    Verdict(Value),
    #[serde(rename = "error")]
    Error,
    #[serde(rename = "panic")]
    Panic,
    #[serde(rename = "hang")]
    Hang,
    #[serde(rename = "throttled")]
    Throttled,
    #[serde(rename = "not asked")]
    NotAsked,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// All headers, except those that the connection adds.
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

/// The credentials that the verifier was asked about, one value for each call.
pub(crate) type Asked = Arc<Mutex<Vec<Value>>>;

/// A vector's app, and the credentials that its verifier is asked about.
pub(crate) struct Served {
    app: App,
    asked: Asked,
}

impl Served {
    pub(crate) fn new<S, B>(app: S, asked: Asked) -> Self
    where
        S: Service<Request<Body>, Response = Response<B>, Error = Infallible, Future: Send>,
        S: Clone + Send + Sync + 'static,
        B: hyper::body::Body<Data = Bytes, Error: Into<BoxError>> + Send + Sync + 'static,
    {
        Self { app: BoxCloneSyncService::new(app.map_response(|response| response.map(boxed))), asked }
    }
}

impl Vector {
    /// Makes an app with `endpoint`, the vector's options, and a verifier that follows the vector's script.
    ///
    /// `verdict` reads a scripted verdict. `asked` writes a credential in the form of the vectors.
    pub(crate) fn serve<E: Endpoint>(
        &self,
        endpoint: E,
        verdict: fn(&Value) -> VerdictOf<E>,
        asked: fn(&Request<E::Credential>) -> Value,
    ) -> Served {
        let log = Asked::default();
        let mut layer = VerifyLayer::new(endpoint, self.verifier(verdict, asked, &log));
        if let Some(path) = &self.options.path {
            layer = layer.path(path).unwrap();
        }
        if let Some(limit) = self.options.body_limit {
            layer = layer.body_limit(limit);
        }
        if let Some(secret) = self.options.caller_secret() {
            layer = layer.caller_secret(secret);
        }
        let layer = layer.enabled(self.options.enabled.unwrap_or(true));
        let layers = ServiceBuilder::new().layer(layer);
        Served::new(layers.map_response(|response: Response<_>| response.map(ResponseBody::new)).service(app()), log)
    }

    /// Makes a verifier that follows the script and records each credential in `log`.
    pub(crate) fn verifier<C: Credential>(
        &self,
        verdict: fn(&Value) -> C::Verdict,
        asked: fn(&Request<C>) -> Value,
        log: &Asked,
    ) -> impl Verifier<C> + use<C> {
        let (script, log) = (self.verifier.clone(), Arc::clone(log));
        verifier_fn(move |request: Request<C>| {
            log.lock().unwrap().push(asked(&request));
            let (script, log) = (script.clone(), Arc::clone(&log));
            async move {
                match script {
                    Script::Verdict(value) => Ok(verdict(&value)),
                    Script::Error => Err(BoxError::from("connection refused")),
                    Script::Panic => panic!("the vector wants a panic"),
                    Script::Hang => {
                        // From here on, the clock advances only when nothing else can run.
                        tokio::time::pause();
                        tokio::time::sleep(Duration::from_secs(3600)).await;
                        log.lock().unwrap().push("waited for".into());
                        Err(BoxError::from("gave up"))
                    }
                    Script::Throttled => Err(Failure::throttled(RETRY_AFTER).into()),
                    Script::NotAsked => Err(BoxError::from("asked all the same")),
                }
            }
        })
    }
}

impl Options {
    /// Reads the platform's own options. An unknown name is an error.
    pub(crate) fn own<T: DeserializeOwned>(&self) -> T {
        serde_json::from_value(Value::Object(self.own.clone())).unwrap_or_else(|error| panic!("options: {error}"))
    }

    pub(crate) fn caller_secret(&self) -> Option<CallerSecret> {
        let CallerSecretVector { header, live } = self.caller_secret.clone()?;
        Some(CallerSecret::new(header.parse().unwrap(), live).unwrap())
    }
}

impl RequestVector {
    fn body_bytes(&self) -> Bytes {
        let bodies = [
            self.body.clone().map(String::into_bytes),
            self.body_hex.as_deref().map(from_hex),
            self.body_repeat.as_ref().map(|repeat| {
                [&repeat.before, &*repeat.text.repeat(repeat.times), &repeat.after].concat().into_bytes()
            }),
        ];
        let mut bodies = bodies.into_iter().flatten();
        let body = bodies.next().unwrap_or_default();
        assert!(bodies.next().is_none(), "a vector has one of `body`, `body_hex` and `body_repeat`");
        body.into()
    }

    fn request(&self, chunked: bool) -> Request<Body> {
        let bytes = self.body_bytes();
        let mut request = Request::builder().method(&*self.method).uri(&self.path);
        if chunked && !bytes.is_empty() {
            // Without this header, the client sends a GET of unknown length without its body.
            request = request.header(TRANSFER_ENCODING, "chunked");
        }
        let body = if chunked {
            let length = bytes.len() / 3 + 1;
            let frames: Vec<_> = bytes.chunks(length).map(|chunk| Frame::data(Bytes::copy_from_slice(chunk))).collect();
            boxed(StreamBody::new(stream::iter(frames.into_iter().map(Ok::<_, Infallible>))))
        } else {
            boxed(Full::new(bytes))
        };
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        request.body(body).unwrap()
    }
}

/// The app behind the layer. It answers with the request that arrived.
fn app() -> impl Service<Request<Body>, Response = Response<Body>, Error = Infallible, Future: Send> + Clone {
    service_fn(|request: Request<Body>| async move {
        let arrived = format!("{} {}", request.method(), request.uri());
        Ok(Response::builder().header("app", arrived).body(request.into_body()).unwrap())
    })
}

/// Runs every vector of `tests/vectors/{file}`, which must have at least `minimum` of them.
pub(crate) fn run(file: &str, minimum: usize, serve: fn(&Vector) -> Served) {
    let vectors = read(file);
    assert!(vectors.len() >= minimum, "{file} has {} vectors, and must have at least {minimum}", vectors.len());
    let failures: Vec<_> = vectors.iter().flat_map(|vector| failures(vector, serve)).collect();
    assert!(failures.is_empty(), "{file}: {} failed\n\n{}", failures.len(), failures.join("\n\n"));
}

/// The vectors of `tests/vectors/{file}`.
pub(crate) fn read(file: &str) -> Vec<Vector> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors").join(file);
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{file}: {error}"));
    parse(&text).unwrap_or_else(|error| panic!("{file}: {error}"))
}

fn parse(text: &str) -> Result<Vec<Vector>, String> {
    let vectors: Vec<Vector> = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let mut names = HashSet::new();
    match vectors.iter().find(|vector| !names.insert(&vector.name)) {
        Some(vector) => Err(format!("two vectors have the name {:?}", vector.name)),
        None => Ok(vectors),
    }
}

/// Sends a vector in all four ways, and describes each wrong result.
fn failures(vector: &Vector, serve: fn(&Vector) -> Served) -> Vec<String> {
    if cfg!(not(feature = "deadline")) && vector.verifier == Script::Hang {
        return Vec::new();
    }
    let mut failures = Vec::new();
    for socket in [false, true] {
        for chunked in [false, true] {
            let served = serve(vector);
            let request = vector.request.request(chunked);
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            let app = served.app.clone();
            let answer = runtime.block_on(async {
                if socket { send::over_a_socket(app, request).await } else { send::in_process(app, request).await }
            });
            if let Err(failure) = vector.compare(&answer, &served.asked.lock().unwrap()) {
                let socket = if socket { "over a socket" } else { "in process" };
                let chunked = if chunked { "chunked" } else { "announced" };
                failures.push(format!("{:?} ({socket}, {chunked}): {failure}", vector.name));
            }
        }
    }
    failures
}

impl Vector {
    fn compare(&self, answer: &Answer, asked: &[Value]) -> Result<(), String> {
        let expected = &self.answer;
        if (answer.status, &answer.headers, &answer.body) != (expected.status, &expected.headers, &expected.body) {
            return Err(format!("answered\n  {answer:?}\nexpected\n  {expected:?}"));
        }
        let times = usize::from(self.verifier != Script::NotAsked);
        if asked.len() != times {
            return Err(format!("the verifier was asked {} times instead of {times}", asked.len()));
        }
        match &self.asked {
            Some(expected) if asked != [expected.clone()] => Err(format!("asked\n  {asked:?}\nexpected\n  {expected}")),
            _ => Ok(()),
        }
    }
}

fn from_hex(hex: &str) -> Vec<u8> {
    let digits: Vec<_> = hex.chars().map(|c| c.to_digit(16).expect("a hexadecimal digit") as u8).collect();
    assert!(digits.len().is_multiple_of(2), "an odd number of digits");
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

const VECTOR: &str = r#"{"name": "a", "endpoint": "b", "request": {"method": "GET", "path": "/"}, "verifier": "error",
    "answer": {"status": 200, "headers": {}, "body": ""}}"#;

#[test]
fn a_vector_file_with_an_unknown_key_or_a_repeated_name_is_refused() {
    assert_eq!(parse(&format!("[{VECTOR}]")).unwrap().len(), 1);
    assert!(parse(&format!("[{VECTOR}, {VECTOR}]")).unwrap_err().contains("two vectors"));
    for (known, unknown) in [
        ("\"endpoint\"", "\"endpiont\": 1, \"endpoint\""),
        ("\"path\"", "\"pth\": 1, \"path\""),
        ("\"status\"", "\"header\": {}, \"status\""),
        ("\"error\"", "\"eror\""),
        ("\"name\"", "\"name\": \"a\", \"name\""),
    ] {
        assert!(parse(&format!("[{}]", VECTOR.replace(known, unknown))).is_err(), "{unknown}");
    }
}

#[test]
#[should_panic(expected = "unknown field `qouted`")]
fn an_unknown_option_is_refused() {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Own {}

    let options: Options = serde_json::from_str(r#"{"body_limit": 7, "qouted": true}"#).unwrap();
    let Own {} = options.own();
}

#[test]
fn any_difference_from_the_expected_answer_is_a_failure() {
    let vector = &parse(&format!("[{VECTOR}]")).unwrap()[0];
    let asked = [Value::Null];
    assert_eq!(vector.compare(&vector.answer, &asked), Ok(()));
    assert!(vector.compare(&vector.answer, &[]).is_err());
    assert!(vector.compare(&vector.answer, &[Value::Null, Value::Null]).is_err());
    let header = BTreeMap::from([("content-type".to_owned(), "text/plain".to_owned())]);
    for answer in [
        Answer { status: 201, ..vector.answer.clone() },
        Answer { headers: header, ..vector.answer.clone() },
        Answer { body: "\n".to_owned(), ..vector.answer.clone() },
    ] {
        assert!(vector.compare(&answer, &asked).is_err(), "{answer:?}");
    }
    let asked_of = Vector { asked: Some(Value::Bool(true)), ..vector.clone() };
    assert!(asked_of.compare(&vector.answer, &asked).is_err());
    let not_asked = Vector { verifier: Script::NotAsked, ..vector.clone() };
    assert!(not_asked.compare(&vector.answer, &asked).is_err());
}

#[test]
#[should_panic(expected = "vectors, and must have at least 1000000")]
fn a_file_with_too_few_vectors_fails() {
    run("diyalog.json", 1_000_000, |vector| panic!("{}", vector.name));
}
