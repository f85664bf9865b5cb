//! What an expert writes by hand for hyper: the contracts of this crate's endpoints, with the same protections and the
//! same answers, byte for byte. Text is borrowed from the request. Only the refusals of a body that is nested too deeply or
//! has a key twice are less exact.
//!
//! Each endpoint is an `async fn` in a file of its own. They share this file, which protects them, and the readers in
//! `json.rs` and `taptalk.rs`.

mod agent;
mod auth_ticket;
mod connect;
mod customer;
mod json;
mod protected;
mod taptalk;
mod validator;

use std::{
    convert::Infallible,
    future::Future,
    mem,
    pin::{Pin, pin},
};

use bytes::{Buf, Bytes, BytesMut};
use http::{
    HeaderValue, Method, Request, Response, StatusCode,
    header::{CACHE_CONTROL, CONTENT_TYPE, UPGRADE},
};
use http_body::Body;
use http_body_util::{BodyExt, Full};
use subtle::ConstantTimeEq;
use tokio::task::yield_now;
use tower::service_fn;
use tower_service::Service;

use self::protected::protected;
use super::hand_written::home;

type Answer = Response<Full<Bytes>>;

/// The future of a handler: boxed, as `TowerToHyperService` and routers need it.
type Answering = Pin<Box<dyn Future<Output = Result<Answer, Infallible>> + Send>>;

const LIMIT: usize = 16 * 1024;

/// The most frames of a body that are read without a pause.
const FRAMES_AT_ONCE: u32 = 128;

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const PLAIN_TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// Makes an app of a handler: its route, the handler, and its answer to a panic or a passed deadline.
macro_rules! app {
    ($name:ident: $method:ident $path:literal $(if $predicate:expr)?, $handler:path, $failed:path) => {
        pub(crate) fn $name<B>()
        -> impl Service<Request<B>, Response = Answer, Error = Infallible, Future = Answering> + Clone
        where
            B: Body<Data: Send, Error: Send> + Send + 'static,
        {
            service_fn(|request: Request<B>| -> Answering {
                let routed = *request.method() == Method::$method && request.uri().path() == $path;
                if routed $(&& $predicate(&request))? {
                    Box::pin(protected($handler(request), $failed))
                } else {
                    let elsewhere = elsewhere(request.uri().path());
                    Box::pin(async { Ok(elsewhere) })
                }
            })
        }
    };
}

app!(customer: POST "/checkauthtoken", customer::check, customer::failed);
app!(agent: GET "/CheckToken", agent::check, agent::failed);
app!(validator: POST "/auth", validator::validate, validator::failed);
app!(auth_ticket: POST "/v1/server/auth_ticket/request", auth_ticket::request, taptalk::failed);
app!(connect: GET "/connect" if is_check, connect::check, taptalk::failed);

/// Whether a request to `/connect` is the check, not the socket at the same path.
fn is_check<B>(request: &Request<B>) -> bool {
    request.uri().query().is_some_and(|query| query.split('&').any(|pair| pair == "check=1"))
        && !request.headers().contains_key(UPGRADE)
}

/// Why a body was not read.
enum Unread {
    TooLarge,
    Incomplete,
}

/// Reads a body up to the limit. One that arrives in one frame is not copied.
async fn read<B: Body>(body: B) -> Result<Bytes, Unread> {
    let mut body = pin!(body);
    let (mut first, mut all) = (Bytes::new(), BytesMut::new());
    let mut frames = 0;
    while !body.is_end_stream() {
        // A body of endless empty frames must not keep the deadline from passing.
        frames += 1;
        if frames % FRAMES_AT_ONCE == 0 {
            yield_now().await;
        }
        let held = first.len() + all.len();
        if body.size_hint().lower() > (LIMIT - held) as u64 {
            return Err(Unread::TooLarge);
        }
        let Some(frame) = body.frame().await else { break };
        let Ok(mut data) = frame.map_err(|_| Unread::Incomplete)?.into_data() else { break };
        let length = data.remaining();
        if length > LIMIT - held {
            return Err(Unread::TooLarge);
        }
        let data = data.copy_to_bytes(length);
        if held == 0 {
            first = data;
        } else {
            all.extend_from_slice(&mem::take(&mut first));
            all.extend_from_slice(&data);
        }
    }
    Ok(if all.is_empty() { first } else { all.freeze() })
}

/// An answer that no cache stores.
fn answer(status: StatusCode, content_type: HeaderValue, body: impl Into<Bytes>) -> Answer {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response.headers_mut().insert(CACHE_CONTROL, NO_STORE);
    response
}

/// The app's own route, and no other.
fn elsewhere(path: &str) -> Answer {
    let mut response = home();
    if path != "/" {
        *response.status_mut() = StatusCode::NOT_FOUND;
    }
    response
}

/// Whether two secrets are equal, in constant time.
fn same(given: &str, known: &str) -> bool {
    given.as_bytes().ct_eq(known.as_bytes()).into()
}
