use std::error::Error;

use http::StatusCode;
use tracing::{Level, Span, event};

use super::{Event, EventOutcome, Observer};
use crate::{Failure, FailureKind};

const TARGET: &str = "tower_verify";

/// Logs `$event` at a level. It is a macro because the level must be known at compile time.
macro_rules! log {
    ($level:ident, $event:expr, $message:literal) => {{
        let Event { endpoint, outcome, status, body_bytes, reading, verifying, total, principal, client, .. } = $event;
        let (verdict, detail, failure) = match outcome {
            EventOutcome::Denied(verdict) => (Some(*verdict), None, None),
            EventOutcome::Rejected(rejection) => (None, Some(rejection.detail()), None),
            EventOutcome::Failed(failure) => (None, None, Some(*failure)),
            _ => (None, None, None),
        };
        event!(
            target: TARGET,
            Level::$level,
            tower_verify.endpoint = endpoint,
            tower_verify.outcome = outcome.as_str(),
            tower_verify.verdict = verdict,
            tower_verify.detail = detail,
            tower_verify.retry_after = failure.and_then(Failure::retry_after).map(|wait| wait.as_secs_f64()),
            tower_verify.reading = reading.as_secs_f64(),
            tower_verify.verifying = verifying.map(|time| time.as_secs_f64()),
            tower_verify.duration = total.as_secs_f64(),
            error.type = failure.map(|failure| failure.kind().as_str()),
            error = failure.and_then(Error::source),
            http.request.body.size = body_bytes,
            http.response.status_code = status.as_ref().map(StatusCode::as_u16),
            tower_verify.principal = principal.map(tracing::field::display),
            client.address = client.map(tracing::field::display),
            $message
        )
    }};
}

/// Logs each call with [`tracing`](https://docs.rs/tracing), and runs the verifier inside a span.
///
/// The span is named `verify`, and contains the spans and events of the verifier. One event at the end of each call
/// says how it ended. Both have the target `tower_verify`.
///
/// | the call was | level |
/// |---|---|
/// | failed: the verifier's error, a panic, the deadline, an overload, a switched-off endpoint | `ERROR` |
/// | throttled | `WARN` |
/// | denied, rejected or cancelled | `INFO` |
/// | admitted | `DEBUG` |
///
/// [This table](crate::observe#what-is-emitted) lists the fields. One of them is the error of the verifier, with the
/// errors that caused it. Make sure that your verifier's errors contain no credential.
///
/// ```
/// use http::Request;
/// use tower_verify::{
///     BoxError, VerifyLayer,
///     diyalog::{CustomerEndpoint, CustomerToken, CustomerVerdict},
///     observe::TracingObserver,
///     verifier_fn,
/// };
///
/// async fn verify(request: Request<CustomerToken>) -> Result<CustomerVerdict, BoxError> {
///     let known = request.body().dlg_token == "2121sa"; // ask your database
///     Ok(if known { CustomerVerdict::Validated } else { CustomerVerdict::InvalidToken })
/// }
///
/// tracing_subscriber::fmt().init(); // logs to the standard output
/// let layer = VerifyLayer::new(CustomerEndpoint::new(), verifier_fn(verify)).observer(TracingObserver::new());
/// ```
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct TracingObserver;

impl TracingObserver {
    /// Creates the observer.
    pub fn new() -> Self {
        Self
    }
}

impl Observer for TracingObserver {
    fn observe(&self, event: &Event<'_>) {
        match event.outcome {
            EventOutcome::Admitted => log!(DEBUG, event, "admitted"),
            EventOutcome::Failed(failure) if failure.kind() == FailureKind::Throttled => {
                log!(WARN, event, "too many failed attempts");
            }
            EventOutcome::Failed(_) => log!(ERROR, event, "no verdict"),
            EventOutcome::Denied(_) => log!(INFO, event, "denied"),
            EventOutcome::Rejected(_) => log!(INFO, event, "rejected"),
            EventOutcome::Cancelled => log!(INFO, event, "cancelled"),
        }
    }

    fn span(&self, endpoint: &'static str) -> Span {
        tracing::info_span!(target: TARGET, "verify", tower_verify.endpoint = endpoint)
    }
}
