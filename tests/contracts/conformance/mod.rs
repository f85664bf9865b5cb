//! The suites that play a platform: they pass against this crate's endpoints, in process and over HTTP.

mod apps;
mod faults;
mod played;
mod taptalk;
#[cfg(feature = "token")]
mod taptalk_socket;

use std::collections::HashSet;

use http::StatusCode;
use tower_verify::{
    conformance::{Report, Suite},
    diyalog::{CustomerEndpoint, Vocabulary},
    talkdesk::{LaterCalls, Validator},
};

use self::apps::App;

#[track_caller]
fn assert_complete(report: &Report) {
    assert!(report.failed().next().is_none(), "{report}");
    assert!(report.skipped().next().is_none(), "{report}");
}

async fn assert_passes(suite: Suite, app: App) {
    let report = suite.run(app).await;
    assert_complete(&report);
    let contracts = ["diyalog", "talkdesk", "taptalk"].map(|platform| {
        let file = format!("{}/src/{platform}/contract.md", env!("CARGO_MANIFEST_DIR"));
        std::fs::read_to_string(file).expect("the contract is there")
    });
    let mut names = HashSet::new();
    for finding in report.findings() {
        assert!(names.insert((finding.row(), finding.name())), "two checks are {} {}", finding.row(), finding.name());
        let row = format!("**{}**", finding.row());
        assert!(contracts.iter().any(|contract| contract.contains(&row)), "no contract has {row}");
    }
}

#[tokio::test]
async fn diyalogs_customers() {
    assert_passes(apps::customer_calls().suite(), apps::diyalog(CustomerEndpoint::new())).await;
    let older = CustomerEndpoint::new().vocabulary(Vocabulary::Older).quoted(true);
    let suite = apps::customer_calls().vocabulary(Vocabulary::Older).quoted(true).suite();
    assert_passes(suite, apps::diyalog(older)).await;
}

#[tokio::test]
async fn diyalogs_agents() {
    assert_passes(apps::agent_calls(), apps::diyalog(CustomerEndpoint::new())).await;
}

#[tokio::test]
async fn talkdesks_validator() {
    assert_passes(apps::talkdesk_calls().suite(), apps::talkdesk(Validator::new())).await;
    let validator = Validator::new().no_verdict_status(StatusCode::SERVICE_UNAVAILABLE).unwrap();
    assert_passes(apps::talkdesk_calls().no_verdict_status(503).suite(), apps::talkdesk(validator)).await;
}

#[tokio::test]
async fn talkdesks_later_calls() {
    assert_passes(apps::later_calls().suite(), apps::talkdesk_later(LaterCalls::new())).await;
    let contract = LaterCalls::new().no_verdict_status(StatusCode::BAD_GATEWAY).unwrap();
    assert_passes(apps::later_calls().no_verdict_status(502).suite(), apps::talkdesk_later(contract)).await;
}

#[tokio::test]
async fn taptalks_ticket_server() {
    let (app, calls) = taptalk::ticket_server().await;
    assert_passes(calls.suite(), app).await;
}

#[tokio::test]
async fn taptalks_socket_over_http() {
    let server = taptalk_socket::socket_server().await;
    assert_passes(server.calls.suite(), server.app).await;
}

/// A call in process has no connection that could be upgraded, so that good upgrades fail there, and nothing else does.
#[cfg(feature = "token")]
#[tokio::test]
async fn taptalks_socket_in_process_refuses_good_upgrades() {
    let server = taptalk_socket::socket_server().await;
    let report = server.calls.suite().run(server.router).await;
    let failed: Vec<_> = report.failed().map(|finding| finding.name()).collect();
    assert_eq!(failed.len(), 8, "{report}");
    assert!(failed.contains(&"the web SDK opens the socket"), "{report}");
    assert_eq!(report.to_string().matches("\n    came      426, ").count(), 8, "{report}");
}

#[cfg(feature = "token")]
#[tokio::test]
async fn the_backend_of_an_app_with_taptalk() {
    let (app, suite) = taptalk::app_tickets();
    assert_passes(suite, app).await;
}
