use std::{
    fmt,
    io::{self, Write},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use serde::Serialize;

use super::{Event, EventOutcome, Observer, Pseudonym, Pseudonyms};
use crate::{Clock, SystemClock};

/// Writes a line of JSON for each call: who was admitted, and who was not.
///
/// Use it if you must keep such a record.
///
/// ```json
/// {"unix_millis":1767225600000,"endpoint":"diyalog.customer","outcome":"denied","verdict":"invalid_token","principal":"9f86d081884c7d659a2feaa0c55ad015","client":"60303ae22b998861bce3b28f33eec1be"}
/// ```
///
/// | member | |
/// |---|---|
/// | `unix_millis` | when the call ended, in milliseconds since the Unix epoch |
/// | `endpoint` | the name of the endpoint or guard |
/// | `outcome` | [`EventOutcome::as_str`] |
/// | `verdict` | the name of a negative verdict |
/// | `principal` | the [`Pseudonym`] of the credential's principal, if [`VerifyLayer::principal`](crate::VerifyLayer::principal) is set |
/// | `client` | the pseudonym of the client's address as text, if the address is known |
///
/// Members without a value are left out. To find the lines about somebody, search for the pseudonym that
/// [`Pseudonyms::of`] returns.
///
/// Each line is one call of [`Write::write_all`], in the task of the call. For a file on a slow disk, use a writer that
/// has a thread of its own, such as the one of `tracing-appender`. The log does not rotate its file. For a file that
/// was opened to append, use a tool that copies and truncates it; otherwise, use a writer that opens the next file.
///
/// A line that cannot be written is lost and counted, and the response to the call stays the same: watch
/// [`failed_writes`](Self::failed_writes). Clones share the writer.
///
/// ```
/// use std::{fs::OpenOptions, io, path::Path};
///
/// use tower_verify::{
///     Endpoints,
///     observe::{AuditLog, Pseudonyms},
/// };
///
/// fn audited(path: &Path, key: [u8; 32]) -> io::Result<Endpoints> {
///     let file = OpenOptions::new().create(true).append(true).open(path)?;
///     Ok(Endpoints::observed_by(AuditLog::new(file, Pseudonyms::new(key))))
/// }
/// # let path = std::env::temp_dir().join(format!("tower-verify-{}.jsonl", std::process::id()));
/// # audited(&path, [7; 32]).unwrap();
/// # std::fs::remove_file(path).unwrap();
/// ```
#[derive(Clone)]
pub struct AuditLog {
    pseudonyms: Pseudonyms,
    clock: Arc<dyn Clock>,
    failed_writes: Arc<AtomicU64>,
    writer: Arc<Mutex<dyn Write + Send>>,
}

impl AuditLog {
    /// Writes to `writer`. The `pseudonyms` are for the addresses of clients.
    pub fn new(writer: impl Write + Send + 'static, pseudonyms: Pseudonyms) -> Self {
        Self {
            pseudonyms,
            clock: Arc::new(SystemClock),
            failed_writes: Arc::default(),
            writer: Arc::new(Mutex::new(writer)),
        }
    }

    /// Sets the clock. The default is [`SystemClock`].
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// The number of lines that could not be written.
    pub fn failed_writes(&self) -> u64 {
        self.failed_writes.load(Ordering::Relaxed)
    }

    fn write(&self, line: &Line<'_>) -> io::Result<()> {
        let mut text = serde_json::to_vec(line)?;
        text.push(b'\n');
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        writer.write_all(&text)?;
        writer.flush()
    }
}

#[derive(Serialize)]
struct Line<'a> {
    unix_millis: u64,
    endpoint: &'a str,
    outcome: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    verdict: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    principal: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client: Option<String>,
}

impl Observer for AuditLog {
    fn observe(&self, event: &Event<'_>) {
        let line = Line {
            unix_millis: self.clock.unix_millis(),
            endpoint: event.endpoint,
            outcome: event.outcome.as_str(),
            verdict: match event.outcome {
                EventOutcome::Denied(verdict) => Some(verdict),
                _ => None,
            },
            principal: event.principal.as_ref().map(Pseudonym::to_string),
            client: event.client.map(|address| self.pseudonyms.of(address.to_string()).to_string()),
        };
        if self.write(&line).is_err() {
            self.failed_writes.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl fmt::Debug for AuditLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuditLog").field("failed_writes", &self.failed_writes()).finish_non_exhaustive()
    }
}
