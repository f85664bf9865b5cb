//! Progress on a terminal. A file or a pipe gets none.

use std::io::{IsTerminal, Write, stderr};

use tower_verify::conformance::Report;

pub(crate) struct Progress {
    checks: usize,
    shown: bool,
}

impl Progress {
    pub(crate) fn new(checks: usize) -> Self {
        Self { checks, shown: stderr().is_terminal() }
    }

    /// Shows how far the run is, and what it checked last.
    pub(crate) fn show(&mut self, report: &Report) {
        let Some(last) = report.findings().last().filter(|_| self.shown) else { return };
        let (done, failed) = (report.findings().len(), report.failed().count());
        let name: String = last.name().chars().take(48).collect();
        // An error means that the terminal is gone: the run goes on.
        let _ = write!(stderr(), "\r\x1b[K{done}/{}, {failed} failed: {} {name}", self.checks, last.row());
    }

    /// Removes the line.
    pub(crate) fn end(self) {
        if self.shown {
            let _ = write!(stderr(), "\r\x1b[K");
        }
    }
}
