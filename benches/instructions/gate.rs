//! Checks the figures against the bars, and against the recorded table.

use crate::{scenario::NAMES, table::Table};

/// The highest allowed ratio of a figure to the recorded one.
const TOLERANCE: f64 = 1.03;

/// The same for a whole server's ratio to its peer, in which the layer is a small part.
const TOLERANCE_OF_SERVERS: f64 = 1.01;

/// Each row, the row that it is compared with, and the highest ratio that it may have.
const BARS: &[(&[&str], &str, &str, f64)] = &[
    (&["granted", "denied", "malformed"], "tower-verify", "expert", 0.85),
    (&["agent-granted", "agent-denied", "agent-malformed"], "tower-verify", "expert", 1.0),
    (&["talkdesk-2-granted", "talkdesk-2-denied", "talkdesk-2-malformed"], "tower-verify", "expert", 1.0),
    (&["talkdesk-20-granted", "talkdesk-20-denied", "talkdesk-20-malformed"], "tower-verify", "expert", 1.0),
    (&["ticket-granted", "ticket-denied", "ticket-malformed"], "tower-verify", "expert", 1.0),
    (&["connect-granted", "connect-denied", "connect-malformed"], "tower-verify", "expert", 1.0),
    // An endpoint made of public items costs the same as the built-in one.
    (&["granted"], "outside", "tower-verify", 1.05),
    // The most expensive body of the largest size, to a valid one of that size.
    (&["largest"], "worst", "granted", 20.0),
    // Whole servers. The way through costs next to nothing, for sixteen endpoints too.
    (&["hyper-other"], "tower-verify", "static", 1.01),
    (&["hyper-other"], "endpoints-16", "static", 1.01),
    (&["axum-other"], "tower-verify", "nothing", 1.02),
    (&["axum-other"], "endpoints-16", "nothing", 1.02),
    (&["hyper-granted"], "tower-verify", "static", 1.15),
];

/// The most instructions that the first layer, and each further layer, may add to a request for another path.
///
/// Half of a further layer's instructions copy the request: the compiler cannot inline the predicate of a route. The
/// clone of a layer's service is counted too.
const FIRST_LAYER: f64 = 60.0;
const FURTHER_LAYER: f64 = 80.0;

/// The most instructions that fifteen further endpoints in one layer may add to a request for another path.
const FURTHER_ENDPOINTS: f64 = 15.0;

pub(crate) fn complaints(measured: &Table, recorded: &Table) -> Vec<String> {
    let mut complaints = Vec::new();
    for (calls, app, peer, bar) in BARS {
        for call in *calls {
            against_peer(
                &format!("{call}/{app}"),
                &format!("{call}/{peer}"),
                *bar,
                measured,
                recorded,
                &mut complaints,
            );
        }
    }
    way_through(measured, &mut complaints);
    against_recorded(measured, recorded, &mut complaints);
    complaints
}

/// Compares a row with its peer.
///
/// A bar that was not reached when the table was recorded is no limit yet: the row must only not be further from it
/// than recorded. As soon as a table is recorded that reaches the bar, the bar is the limit.
fn against_peer(row: &str, peer: &str, bar: f64, measured: &Table, recorded: &Table, complaints: &mut Vec<String>) {
    let ratio = |table: &Table| table.get(row).instructions as f64 / table.get(peer).instructions as f64;
    let (now, then) = (ratio(measured), ratio(recorded));
    let tolerance = if is_whole_server(row) { TOLERANCE_OF_SERVERS } else { TOLERANCE };
    let limit = if then <= bar { bar } else { then * tolerance };
    let reached = if now <= bar { "reached" } else { "NOT REACHED" };
    println!("{row}: {now:.3} of {peer}; the bar {bar:.2} is {reached}, the limit is {limit:.3}");
    if now > limit {
        complaints.push(format!("{row}: {now:.3} of {peer}, above the limit of {limit:.3}"));
    }
}

/// Checks what layers and endpoints add to a request for another path.
fn way_through(measured: &Table, complaints: &mut Vec<String>) {
    let of = |name: &str| measured.get(name).instructions as f64;
    let mut at_most = |what: &str, figure: f64, limit: f64| {
        println!("{what}: {figure:.1} instructions, the limit is {limit:.1}");
        if figure > limit {
            complaints.push(format!("{what}: {figure:.1} instructions, above the limit of {limit:.1}"));
        }
    };
    for app in ["other", "other-boxed"] {
        let [bare, first, layers, endpoints] =
            ["bare", "layers-1", "layers-16", "endpoints-16"].map(|layers| of(&format!("{app}/{layers}")));
        // The compiler optimizes the smallest app better without a layer. So the first layer around it has no fixed
        // limit, and is compared with the recorded table only.
        if app == "other-boxed" {
            at_most(&format!("{app}: the first layer"), first - bare, FIRST_LAYER);
        }
        at_most(&format!("{app}: a further layer"), (layers - first) / 15.0, FURTHER_LAYER);
        at_most(&format!("{app}: fifteen further endpoints in one layer"), endpoints - first, FURTHER_ENDPOINTS);
    }
    for name in NAMES.iter().filter(|name| name.starts_with("other")) {
        let bare = format!("{}/bare", name.split('/').next().unwrap_or_default());
        let [ours, theirs] = [name, &*bare].map(|name| measured.get(name).allocations);
        if ours != theirs {
            complaints.push(format!("{name}: {ours} allocations, and {bare} has {theirs}"));
        }
    }
}

/// Compares this crate's rows with the recorded ones. If another compiler made the record, it compares ratios to peers.
fn against_recorded(measured: &Table, recorded: &Table, complaints: &mut Vec<String>) {
    let same_compiler = measured.compiler == recorded.compiler;
    if !same_compiler {
        println!("recorded with {}: ratios are compared instead of counts", recorded.compiler);
    }
    for name in NAMES.iter().filter(|name| !is_peer(name)) {
        let Some(peer) = peer(name).or(same_compiler.then(|| (*name).to_owned())) else { continue };
        let cost = |table: &Table| {
            let instructions = table.get(name).instructions as f64;
            if same_compiler { instructions } else { instructions / table.get(&peer).instructions as f64 }
        };
        let share = cost(measured) / cost(recorded);
        if share > TOLERANCE {
            complaints.push(format!("{name}: {share:.3} of the recorded instructions"));
        } else if share < TOLERANCE.recip() {
            println!("{name}: {share:.3} of the recorded instructions: record the table anew");
        }
        let (now, then) = (measured.get(name).allocations, recorded.get(name).allocations);
        // A runtime allocates now and then, so a whole server's count can differ by one.
        if now > then + u64::from(is_whole_server(name)) {
            complaints.push(format!("{name}: {now} allocations, more than the {then} recorded"));
        }
    }
}

/// The apps that are not this crate's.
const PEERS: [&str; 7] = ["expert", "static", "nothing", "bare", "hand-written", "axum", "axum-protected"];

fn is_whole_server(name: &str) -> bool {
    name.starts_with("hyper-") || name.starts_with("axum-")
}

fn is_peer(name: &str) -> bool {
    name == crate::scenario::DROPPED || PEERS.iter().any(|peer| name.ends_with(&format!("/{peer}")))
}

/// The row of the same call that a row is compared with.
fn peer(name: &str) -> Option<String> {
    let (call, _) = name.split_once('/')?;
    PEERS.iter().map(|peer| format!("{call}/{peer}")).find(|peer| NAMES.contains(&&**peer))
}
