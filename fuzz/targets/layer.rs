//! Whole requests through the layer, with any outcome of the verifier.
//!
//! The first bytes choose the endpoint, the settings, what the verifier does, and the frames of the body. The rest is the
//! request. Only a positive verdict is read as admitted, no panic escapes, no wake-up is lost, and the observer is told
//! exactly once.

#![no_main]

use std::{
    future::{Future, poll_fn},
    panic::resume_unwind,
    pin::pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    time::Duration,
};

use http::{HeaderName, Request};
use libfuzzer_sys::fuzz_target;
use tower_verify::{
    BoxError, CallerSecret, Failure, Verifier,
    diyalog::{AgentEndpoint, CustomerEndpoint},
    observe::{Event, EventOutcome},
    talkdesk::{Auth, Credentials, LaterCalls, Validator},
    taptalk::{
        AccessTokenEndpoint, AppTicketEndpoint, AuthTicketEndpoint, ConnectEndpoint, LogoutEndpoint,
        ProjectConfigsEndpoint, RefreshEndpoint, SocketGuard, UserUpdateEndpoint,
    },
};
use tower_verify_fuzz::{
    Login,
    frames::{End, Frames, Step},
    reference,
    subject::{Fields, Reached, Settings, Subject, VerdictOf, request},
};

const PLAN: usize = 16;
const SECRET: &str = "605b32dd";

fuzz_target!(|input: &[u8]| {
    let Some(([subject, control @ ..], input)) = input.split_first_chunk::<{ 6 + PLAN }>() else { return };
    match subject % 15 {
        0 => send::<CustomerEndpoint>(control, input),
        1 => send::<AgentEndpoint>(control, input),
        2 => send::<Validator<Credentials>>(control, input),
        3 => send::<Validator<Auth<Login>>>(control, input),
        4 => send::<LaterCalls<u32, Credentials>>(control, input),
        5 => send::<LaterCalls<u32, Auth<Login>>>(control, input),
        6 => send::<AuthTicketEndpoint>(control, input),
        7 => send::<UserUpdateEndpoint>(control, input),
        8 => send::<AppTicketEndpoint>(control, input),
        9 => send::<AccessTokenEndpoint>(control, input),
        10 => send::<RefreshEndpoint>(control, input),
        11 => send::<ConnectEndpoint>(control, input),
        12 => send::<LogoutEndpoint>(control, input),
        13 => send::<ProjectConfigsEndpoint>(control, input),
        _ => send::<SocketGuard>(control, input),
    }
});

/// The behaviour of the verifier, after it was pending.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Script {
    Positive,
    Negative,
    Error,
    Throttled,
    Panic,
    /// A panic before there is a future.
    PanicAtOnce,
    /// A positive verdict of a future that panics when it is dropped.
    PanicInDrop,
}

impl From<u8> for Script {
    fn from(byte: u8) -> Self {
        match byte % 8 {
            0 | 1 => Self::Positive,
            2 => Self::Negative,
            3 => Self::Error,
            4 => Self::Throttled,
            5 => Self::Panic,
            6 => Self::PanicAtOnce,
            _ => Self::PanicInDrop,
        }
    }
}

struct Scripted {
    script: Script,
    pending: u8,
    choice: u8,
    asked: Arc<Mutex<Vec<Fields>>>,
}

/// A verifier of every subject's credential.
struct Asked<S: Subject> {
    scripted: Scripted,
    fields: fn(&S::Credential) -> Fields,
}

impl<S: Subject> Verifier<S::Credential> for Asked<S> {
    fn verify(&self, request: Request<S::Credential>) -> impl Future<Output = Result<VerdictOf<S>, BoxError>> + Send {
        let Scripted { script, mut pending, choice, ref asked } = self.scripted;
        asked.lock().unwrap().push((self.fields)(request.body()));
        if script == Script::PanicAtOnce {
            panic();
        }
        let dropped = PanicsInDrop(script == Script::PanicInDrop);
        poll_fn(move |cx| {
            let _ = &dropped;
            if pending > 0 {
                pending -= 1;
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            Poll::Ready(match script {
                Script::Positive | Script::PanicInDrop => Ok(S::positive()),
                Script::Negative => Ok(S::negative(choice)),
                Script::Error => Err("the database is away".into()),
                Script::Throttled => Err(Failure::throttled(Duration::from_millis(1500)).into()),
                Script::Panic | Script::PanicAtOnce => panic(),
            })
        })
    }
}

struct PanicsInDrop(bool);

impl Drop for PanicsInDrop {
    fn drop(&mut self) {
        if self.0 && !std::thread::panicking() {
            panic();
        }
    }
}

/// Panics without the panic hook, which ends the process.
fn panic() -> ! {
    resume_unwind(Box::new("the target wants a panic"))
}

/// The outcomes that the observer was told.
#[derive(Default)]
struct Told {
    admitted: AtomicUsize,
    failed: AtomicUsize,
    all: AtomicUsize,
}

impl Told {
    fn tell(&self, event: &Event<'_>) {
        self.all.fetch_add(1, Ordering::Relaxed);
        match event.outcome {
            EventOutcome::Admitted => self.admitted.fetch_add(1, Ordering::Relaxed),
            EventOutcome::Failed(_) => self.failed.fetch_add(1, Ordering::Relaxed),
            _ => 0,
        };
    }
}

fn send<S: Subject>(control: &[u8], input: &[u8]) {
    let [script, pending, choice, limit, flags, plan @ ..] = control else { return };
    let (head, body) = request::<S>(input).into_parts();
    let whole = body.len();
    let last = [None, None, Some(Step::Trailers), Some(Step::Error)][usize::from(flags >> 5 & 3)];
    let frames = Frames::new(body, plan.iter().copied().map(Step::from).collect(), flags & 1 != 0, last);
    let (sent, end) = frames.foretold();

    let limit = match limit {
        0..200 => None,
        limit => Some(usize::from(limit - 200) * 8),
    };
    let header = HeaderName::from_static("auth-token");
    let secret = (flags & 2 != 0).then(|| CallerSecret::new(header.clone(), [SECRET]).expect("it can be in a header"));
    let caller_is_known = secret.is_none() || reference::header(&head.headers, &header) == Some(SECRET.as_bytes());
    let buffer_is_small = flags & 12 == 12;
    let told = Arc::new(Told::default());
    let observer = (flags & 16 != 0).then(|| {
        let told = Arc::clone(&told);
        Arc::new(move |event: &Event<'_>| told.tell(event)) as Arc<_>
    });
    let settings = Settings {
        body_limit: limit,
        buffer_limit: buffer_is_small.then_some(16),
        caller_secret: secret,
        observer: observer.clone(),
    };
    let is_complete = end == End::Complete && limit.is_none_or(|limit| sent.len() <= limit);
    let is_deep = sent.iter().filter(|byte| matches!(byte, b'[' | b'{')).count() > 100;
    let expected = S::expected(&head, &sent).filter(|_| caller_is_known && (is_complete || !S::READS_BODY));

    let asked = Arc::default();
    let script = Script::from(*script);
    let scripted = Scripted { script, pending: pending % 8, choice: *choice, asked: Arc::clone(&asked) };
    let verifier = Asked::<S> { scripted, fields: S::fields };
    let answer = run(S::call(verifier, settings, Request::from_parts(head, frames)));

    let asked = std::mem::take(&mut *asked.lock().unwrap());
    let admitted = S::is_admitted(&answer);
    assert_eq!(admitted, !asked.is_empty() && script == Script::Positive, "admitted by {script:?}");
    assert!(asked.len() <= 1, "the verifier is asked twice");
    if !is_deep && !buffer_is_small {
        assert_eq!(asked, Vec::from_iter(expected), "the verifier is asked about something else than was sent");
    }
    S::assert_well_formed(&answer);
    if let Some(reached) = answer.extensions().get::<Reached>()
        && is_complete
    {
        let has_trailers = sent.len() < whole || last == Some(Step::Trailers);
        assert_eq!((&reached.body, reached.trailers), (&Some(sent), has_trailers), "the app's body is not as it came");
    }
    if observer.is_some() {
        let failed = usize::from(answer.extensions().get::<Failure>().is_some());
        let counts = [&told.all, &told.admitted, &told.failed].map(|count| count.load(Ordering::Relaxed));
        assert_eq!(counts, [1, usize::from(admitted), failed], "the observer is told something else");
    }
}

/// Runs a future, and fails if it waits for a wake-up that cannot come: everything here wakes at once.
fn run<T>(future: impl Future<Output = T>) -> T {
    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    let count = Arc::new(Count::default());
    let waker = Waker::from(Arc::clone(&count));
    let mut future = pin!(future);
    for _ in 0..100_000 {
        let before = count.0.load(Ordering::Relaxed);
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
        assert!(count.0.load(Ordering::Relaxed) > before, "a wake-up is lost");
    }
    panic!("it never ends");
}
