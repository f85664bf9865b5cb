//! The metrics of calls, caches, stores and key rings.

use std::{
    collections::BTreeMap,
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use http::Request;
use metrics_util::debugging::{DebugValue, DebuggingRecorder};
use tower_verify::{
    BoxError, ManualClock, Verifier,
    diyalog::{CustomerToken, CustomerVerdict},
    observe::{MeteredStore, MetricsObserver, count_lookups, record_keys},
    policy::{CacheKey, Cached},
    store::{MemoryStore, Store, StoreError, conformance},
    token::{Key, KeyRing},
    verifier_fn,
};

use crate::support::{OUTCOMES, body, customers, now, on_paused_time, request, send};

/// Metrics: the key is `name{label=value,…}`.
pub(crate) type Metrics = BTreeMap<String, DebugValue>;

/// Returns the metrics that `run` records.
pub(crate) fn recorded(run: impl FnOnce()) -> Metrics {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    metrics::with_local_recorder(&recorder, run);
    let metrics = snapshotter.snapshot().into_vec().into_iter().map(|(key, unit, description, value)| {
        let (_, key) = key.into_parts();
        assert!(unit.is_some() && description.is_some(), "{key} has no unit or no description");
        let labels: Vec<_> = key.labels().map(|label| format!("{}={}", label.key(), label.value())).collect();
        (format!("{}{{{}}}", key.name(), labels.join(",")), value)
    });
    metrics.collect()
}

fn counter(metrics: &Metrics, name: &str) -> u64 {
    match metrics.get(name) {
        Some(DebugValue::Counter(count)) => *count,
        other => panic!("{name} is {other:?} in {metrics:#?}"),
    }
}

fn gauge(metrics: &Metrics, name: &str) -> f64 {
    match metrics.get(name) {
        Some(DebugValue::Gauge(value)) => value.into_inner(),
        other => panic!("{name} is {other:?} in {metrics:#?}"),
    }
}

fn samples(metrics: &Metrics, name: &str) -> Vec<f64> {
    match metrics.get(name) {
        Some(DebugValue::Histogram(samples)) => samples.iter().map(|sample| sample.into_inner()).collect(),
        other => panic!("{name} is {other:?} in {metrics:#?}"),
    }
}

#[test]
fn each_call_is_counted_and_timed_by_its_outcome() {
    const ROUNDS: u64 = 3;
    let metrics = recorded(|| {
        let layer = customers().observer(MetricsObserver::new());
        for _ in 0..ROUNDS {
            for (token, ..) in OUTCOMES {
                on_paused_time(send(&layer, request(body(token))));
            }
        }
        on_paused_time(send(&layer, request("[]")));
    });
    for (_, outcome, verdict) in OUTCOMES {
        let error =
            if ["admitted", "denied"].contains(&outcome) { String::new() } else { format!(",error.type={outcome}") };
        let labels = format!("endpoint=diyalog.customer,outcome={outcome}{error}");
        let verdict = verdict.map(|verdict| format!(",verdict={verdict}")).unwrap_or_default();
        assert_eq!(counter(&metrics, &format!("tower_verify.requests{{{labels}{verdict}}}")), ROUNDS);
        assert_eq!(samples(&metrics, &format!("tower_verify.request.duration{{{labels}}}")).len(), ROUNDS as usize);
    }
    assert_eq!(counter(&metrics, "tower_verify.requests{endpoint=diyalog.customer,outcome=malformed}"), 1);
    let verified = OUTCOMES.len() * ROUNDS as usize;
    let verifications = samples(&metrics, "tower_verify.verification.duration{endpoint=diyalog.customer}");
    assert_eq!(verifications.len(), verified);
    let sizes = samples(&metrics, "tower_verify.request.body.size{endpoint=diyalog.customer}");
    assert_eq!(sizes.iter().sum::<f64>(), {
        let bytes: usize = OUTCOMES.iter().map(|(token, ..)| body(token).len()).sum();
        (bytes * ROUNDS as usize + 2) as f64
    });
    assert_eq!(gauge(&metrics, "tower_verify.active_requests{endpoint=diyalog.customer}"), 0.0);
}

#[test]
fn calls_under_way_are_counted_until_they_end_or_are_dropped() {
    let active = |drop_it: bool| {
        let metrics = recorded(|| {
            let layer = customers().observer(MetricsObserver::new());
            on_paused_time(async {
                let mut call = Box::pin(send(&layer, request(body("hang"))));
                assert!(futures::poll!(&mut call).is_pending());
                if drop_it {
                    drop(call);
                } else {
                    std::mem::forget(call);
                }
            });
        });
        gauge(&metrics, "tower_verify.active_requests{endpoint=diyalog.customer}")
    };
    assert_eq!((active(false), active(true)), (1.0, 0.0));
}

#[test]
fn cache_lookups_are_counted_by_their_result() {
    let metrics = recorded(|| {
        on_paused_time(async {
            let verifier = verifier_fn(|_: Request<CustomerToken>| async {
                tokio::time::sleep(Duration::from_secs(1)).await;
                Ok::<_, BoxError>(CustomerVerdict::Validated)
            });
            let key = |request: &Request<CustomerToken>, key: &mut CacheKey| {
                key.part(request.body().dlg_token.expose_secret());
            };
            let cached = Cached::new(verifier, key).unwrap().on_lookup(count_lookups("customers"));
            let ask = || cached.verify(Request::new(CustomerToken::new("1", "2", "3")));
            let (one, other, third) = futures::join!(ask(), ask(), ask());
            assert!(one.is_ok() && other.is_ok() && third.is_ok() && ask().await.is_ok());
        });
    });
    let lookups = |result| counter(&metrics, &format!("tower_verify.cache.lookups{{cache=customers,result={result}}}"));
    assert_eq!((lookups("miss"), lookups("shared"), lookups("hit")), (1, 2, 1));
}

#[test]
fn store_operations_are_timed_by_operation_and_error() {
    const HOUR: Duration = Duration::from_secs(3600);
    let metrics = recorded(|| {
        let store = MeteredStore::new("small", MemoryStore::new().max_entries(1));
        now(async {
            let value = || Bytes::from("value");
            store.put("one", value(), HOUR).await.unwrap();
            assert!(matches!(store.put("two", value(), HOUR).await, Err(StoreError::Full)));
            assert_eq!(store.get("one").await.unwrap(), Some(value()));
            assert_eq!(store.claim("one", value(), HOUR).await.unwrap(), Some(value()));
            assert!(store.replace("one", value(), value(), HOUR).await.unwrap());
            assert_eq!(store.take("one").await.unwrap(), Some(value()));
        });
    });
    for (operation, error) in
        [("put", ""), ("put", ",error.type=full"), ("get", ""), ("claim", ""), ("replace", ""), ("take", "")]
    {
        let name = format!("tower_verify.store.operation.duration{{store=small,operation={operation}{error}}}");
        assert_eq!(samples(&metrics, &name).len(), 1, "{name}");
    }
}

#[test]
fn a_metered_store_passes_the_conformance_suite() {
    let clock = ManualClock::new(SystemTime::UNIX_EPOCH);
    let store = MeteredStore::new("memory", MemoryStore::new().clock(clock.clone()));
    on_paused_time(conformance::check(store, tokio::spawn, async |time| clock.advance(time)));
}

#[test]
fn the_number_and_the_ages_of_a_rings_keys_are_recorded() {
    let (old, new) = (Key::generate().unwrap(), Key::generate().unwrap());
    let ring = KeyRing::new(old.clone());
    let metrics = recorded(|| record_keys("tokens", &ring));
    assert_eq!(gauge(&metrics, "tower_verify.key.age{ring=tokens,use=verify}"), 0.0);
    // A key keeps its age through a rotation.
    std::thread::sleep(Duration::from_millis(2));
    ring.rotate(KeyRing::new(new).with_next(old).unwrap());
    let ages = ring.ages();
    assert!(ages.len() == 2 && ages[1] >= ages[0] + Duration::from_millis(2), "{ages:?}");

    let metrics = recorded(|| record_keys("tokens", &ring));
    assert_eq!(gauge(&metrics, "tower_verify.keys{ring=tokens}"), 2.0);
    let [signing, verifying] =
        ["sign", "verify"].map(|used| gauge(&metrics, &format!("tower_verify.key.age{{ring=tokens,use={used}}}")));
    assert!(0.0 < signing && signing < verifying, "{signing} {verifying}");
}
