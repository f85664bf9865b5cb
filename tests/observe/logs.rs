//! The log events of `TracingObserver`.

use std::{
    io,
    sync::{Arc, Mutex},
};

use tower_verify::observe::TracingObserver;
use tracing::Level;
use tracing_subscriber::fmt::MakeWriter;

use crate::support::{CLIENT, ERROR, OUTCOMES, body, customers, on_paused_time, request, send};

/// A writer that keeps everything.
#[derive(Clone, Default)]
pub(crate) struct Written(Arc<Mutex<Vec<u8>>>);

impl Written {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl io::Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Written {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

/// Returns the log of `run` at `level` and above.
pub(crate) fn logged(level: Level, run: impl FnOnce()) -> String {
    let written = Written::default();
    let subscriber = tracing_subscriber::fmt().with_max_level(level).with_writer(written.clone()).with_ansi(false);
    tracing::subscriber::with_default(subscriber.finish(), run);
    written.text()
}

/// Returns the log lines of one call with this body.
fn logged_call(level: Level, body: String) -> Vec<String> {
    let call = || drop(on_paused_time(send(&customers().observer(TracingObserver::new()), request(body))));
    logged(level, call).lines().map(str::to_owned).collect()
}

#[test]
fn a_call_is_one_log_event_at_the_level_of_its_outcome() {
    let levels = ["DEBUG", "INFO", "ERROR", "WARN", "ERROR", "ERROR"];
    for ((token, outcome, verdict), level) in OUTCOMES.into_iter().zip(levels) {
        let lines = logged_call(Level::DEBUG, body(token));
        assert_eq!(lines.len(), 1, "{lines:?}");
        let line = &lines[0];
        assert!(
            line.contains(&format!(" {level} verify{{tower_verify.endpoint=\"diyalog.customer\"}}: tower_verify: "))
        );
        assert!(line.contains(&format!("tower_verify.outcome=\"{outcome}\"")), "{line}");
        assert!(line.contains("tower_verify.endpoint=\"diyalog.customer\""), "{line}");
        assert!(line.contains("http.response.status_code=200"), "{line}");
        assert!(line.contains(&format!("client.address={CLIENT}")), "{line}");
        let named = verdict.map(|verdict| format!("tower_verify.verdict=\"{verdict}\""));
        assert_eq!(line.contains("tower_verify.verdict"), named.is_some(), "{line}");
        assert!(named.is_none_or(|named| line.contains(&named)), "{line}");
        let failed = !["admitted", "denied"].contains(&outcome);
        assert_eq!(line.contains(&format!("error.type=\"{outcome}\"")), failed, "{line}");
        assert_eq!(line.contains(ERROR), token == "error", "{line}");
        assert_eq!(line.contains("tower_verify.retry_after=3"), token == "throttled", "{line}");
    }
}

#[test]
fn a_rejection_is_logged_with_its_reason() {
    let lines = logged_call(Level::INFO, "[]".to_owned());
    assert!(lines[0].contains(" INFO ") && lines[0].contains("tower_verify.detail=\""), "{lines:?}");
    assert!(lines[0].contains("tower_verify.outcome=\"malformed\"") && !lines[0].contains("error"), "{lines:?}");
}

#[test]
fn the_verifiers_own_spans_and_events_are_inside_the_verify_span() {
    let lines = logged_call(Level::TRACE, body("good"));
    let own = lines.iter().find(|line| line.ends_with("asked")).expect("the verifier logs");
    assert!(own.contains("verify{tower_verify.endpoint=\"diyalog.customer\"}:look_up:"), "{own}");
}

#[test]
fn nothing_is_logged_without_the_observer() {
    let text = logged(Level::TRACE, || drop(on_paused_time(send(&customers(), request(body("error"))))));
    assert!(!text.contains("verify{") && !text.contains("no verdict"), "{text}");
}
