//! The lines that an `AuditLog` writes.

use std::{
    io,
    time::{Duration, SystemTime},
};

use serde_json::{Value, json};
use tower_verify::{
    ManualClock,
    diyalog::CustomerToken,
    observe::{AuditLog, Pseudonyms},
};

use crate::{
    logs::Written,
    support::{CLIENT, OUTCOMES, body, customers, on_paused_time, request, send},
};

#[test]
fn each_call_is_one_audit_line_with_pseudonyms_instead_of_names() {
    let (written, pseudonyms) = (Written::default(), Pseudonyms::new([7; 32]));
    let clock = ManualClock::new(SystemTime::UNIX_EPOCH + Duration::from_millis(1_767_225_600_000));
    let of = pseudonyms.clone();
    let layer = customers()
        .observer(AuditLog::new(written.clone(), pseudonyms.clone()).clock(clock))
        .principal(move |token: &CustomerToken| Some(of.of(token.customer_no.expose_secret())));
    for (token, ..) in OUTCOMES {
        on_paused_time(send(&layer, request(body(token))));
    }
    on_paused_time(send(&layer, request("[]")));

    let lines: Vec<Value> = written.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let line = |outcome: &str, verdict: Option<&str>, principal: Option<&str>| {
        let mut line = json!({
            "unix_millis": 1_767_225_600_000_u64,
            "endpoint": "diyalog.customer",
            "outcome": outcome,
            "client": pseudonyms.of(CLIENT).to_string(),
        });
        if let Some(verdict) = verdict {
            line["verdict"] = verdict.into();
        }
        if let Some(principal) = principal {
            line["principal"] = pseudonyms.of(principal).to_string().into();
        }
        line
    };
    let mut expected: Vec<_> =
        OUTCOMES.iter().map(|(_, outcome, verdict)| line(outcome, *verdict, Some("1234567"))).collect();
    expected.push(line("malformed", None, None));
    assert_eq!(lines, expected);
    assert!(!written.text().contains("1234567") && !written.text().contains(CLIENT));
}

#[test]
fn an_audit_line_that_cannot_be_written_is_counted() {
    struct Full;

    impl io::Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    let log = AuditLog::new(Full, Pseudonyms::new([7; 32]));
    let response = on_paused_time(send(&customers().observer(log.clone()), request(body("good"))));
    assert_eq!((response.status().as_u16(), log.failed_writes()), (200, 1));
}
