//! The tables in the documentation of `observe` list exactly the fields, metrics and labels that are emitted.

use std::collections::BTreeSet;

use http::Request;
use tower_verify::{
    BoxError, Verifier,
    diyalog::{CustomerToken, CustomerVerdict},
    observe::{MeteredStore, MetricsObserver, Pseudonyms, TracingObserver, count_lookups, record_keys},
    policy::{CacheKey, Cached},
    store::{MemoryStore, Store},
    token::KeyRing,
    verifier_fn,
};
use tracing::Level;

use crate::{
    logs::logged,
    metrics::recorded,
    support::{Customers, OUTCOMES, body, customers, on_paused_time, request, send},
};

/// Returns the names in the first column of the table under `heading`.
fn documented(heading: &str) -> BTreeSet<String> {
    let docs = include_str!("../../src/observe/mod.rs");
    let section = docs.split("//! #").find(|section| section.trim_start_matches('#').trim().starts_with(heading));
    let rows = section.expect("a section of this name").lines().filter_map(|line| line.strip_prefix("//! | `"));
    rows.map(|row| row.split('`').next().unwrap().to_owned()).collect()
}

fn calls(layer: &Customers) {
    for (token, ..) in OUTCOMES {
        on_paused_time(send(layer, request(body(token))));
    }
    on_paused_time(send(layer, request("[]")));
}

#[test]
fn the_documentation_lists_the_fields_of_log_events() {
    let log = logged(Level::DEBUG, || {
        let layer = customers().observer(TracingObserver::new());
        calls(&layer.principal(|_| Some(Pseudonyms::new([7; 32]).of("1234567"))));
    });
    let events = log.lines().map(|line| line.split_once(": tower_verify: ").unwrap().1);
    let fields = events.flat_map(|event| event.split(' ')).filter_map(|field| field.split_once('='));
    let fields: BTreeSet<_> = fields.map(|(name, _)| name.to_owned()).collect();
    assert_eq!(fields, documented("Log events"));
}

#[test]
fn the_documentation_lists_the_metrics_and_their_labels() {
    let metrics = recorded(|| {
        calls(&customers().observer(MetricsObserver::new()));
        record_keys("tokens", &KeyRing::generate().unwrap());
        on_paused_time(async {
            let store = MeteredStore::new("small", MemoryStore::new().max_entries(0));
            assert!(store.put("key", "value".into(), std::time::Duration::from_secs(1)).await.is_err());
            let verifier =
                verifier_fn(|_: Request<CustomerToken>| async { Ok::<_, BoxError>(CustomerVerdict::Validated) });
            let key = |_: &Request<CustomerToken>, _: &mut CacheKey| {};
            let cached = Cached::new(verifier, key).unwrap().on_lookup(count_lookups("customers"));
            cached.verify(Request::new(CustomerToken::new("1", "2", "3"))).await.unwrap();
        });
    });
    let names = metrics.keys().map(|metric| metric.split('{').next().unwrap().to_owned());
    assert_eq!(names.collect::<BTreeSet<_>>(), documented("Metrics"));
    let labels = metrics.keys().flat_map(|metric| metric.split(['{', '}']).nth(1).unwrap().split(','));
    let labels = labels.map(|label| label.split('=').next().unwrap().to_owned());
    assert_eq!(labels.collect::<BTreeSet<_>>(), documented("Labels"));
}
