//! Checks the figures against fixed limits, and against the recorded table.

use crate::{scenario::NAMES, table::Table};

/// The highest allowed ratio of a figure to the recorded one.
const TOLERANCE: f64 = 1.03;

/// The most instructions that the first layer, and each further layer, may add to a request for another path.
///
/// Half of a further layer's instructions copy the request: the compiler cannot inline the predicate of a route.
const FIRST_LAYER: f64 = 60.0;
const FURTHER_LAYER: f64 = 65.0;

/// The most instructions that fifteen further endpoints in one layer may add to a request for another path.
const FURTHER_ENDPOINTS: f64 = 15.0;

/// The highest allowed ratio of an endpoint made of public items only to the built-in one.
const OUTSIDE: f64 = 1.05;

/// The highest allowed ratio of the most expensive body of the largest size to a valid one of that size.
const HOSTILE: f64 = 20.0;

/// The highest allowed ratio of an intercepted request to the handler written by hand.
const INTERCEPTED: f64 = 1.0;

pub(crate) fn complaints(measured: &Table, recorded: &Table) -> Vec<String> {
    let mut complaints = Vec::new();
    bars(measured, &mut complaints);
    against_recorded(measured, recorded, &mut complaints);
    complaints
}

fn bars(measured: &Table, complaints: &mut Vec<String>) {
    let of = |name: &str| measured.get(name).instructions as f64;
    let mut at_most = |what: String, figure: f64, bar: f64| {
        println!("{what}: {figure:.2}, the limit is {bar:.2}");
        if figure > bar {
            complaints.push(format!("{what}: {figure:.2}, above the limit of {bar:.2}"));
        }
    };
    for app in ["other", "other-query", "other-boxed"] {
        let [bare, first, all] = ["bare", "layers-1", "layers-16"].map(|layers| of(&format!("{app}/{layers}")));
        // The compiler optimizes the smallest app better without a layer. So the first layer around it has no fixed
        // limit, and is compared with the recorded table only.
        if app == "other-boxed" {
            at_most(format!("{app}: instructions of the first layer"), first - bare, FIRST_LAYER);
        } else {
            println!("{app}: instructions of the first layer: {:.2}", first - bare);
        }
        at_most(format!("{app}: instructions of a further layer"), (all - first) / 15.0, FURTHER_LAYER);
    }
    for app in ["other", "other-boxed"] {
        let [one, all] = ["layers-1", "endpoints-16"].map(|layers| of(&format!("{app}/{layers}")));
        at_most(format!("{app}: instructions of fifteen further endpoints in one layer"), all - one, FURTHER_ENDPOINTS);
    }
    at_most(
        "granted: instructions of an endpoint made of public items, as a ratio to the built-in one".into(),
        of("granted/outside") / of("granted/tower-verify"),
        OUTSIDE,
    );
    for call in ["granted", "denied", "malformed"] {
        let ratio = of(&format!("{call}/tower-verify")) / of(&format!("{call}/hand-written"));
        at_most(format!("{call}: instructions as a ratio to the handler by hand"), ratio, INTERCEPTED);
    }
    at_most("largest: ratio to a valid one".into(), of("largest/worst") / of("largest/granted"), HOSTILE);

    for name in NAMES {
        let Some((app, yardstick)) = yardstick(name) else { continue };
        let [ours, theirs] = [name, &&*yardstick].map(|name| measured.get(name).allocations);
        let fewer = if app == "tower-verify" { ours < theirs } else { ours == theirs };
        if !fewer {
            complaints.push(format!("{name}: {ours} allocations, and {yardstick} has {theirs}"));
        }
    }
}

/// Compares figures with the recorded ones. If another compiler made the record, it compares ratios to the yardstick.
fn against_recorded(measured: &Table, recorded: &Table, complaints: &mut Vec<String>) {
    let same_compiler = measured.compiler == recorded.compiler;
    if !same_compiler {
        println!("recorded with {}: ratios are compared instead of counts", recorded.compiler);
    }
    for name in NAMES {
        let Some((_, yardstick)) = yardstick(name) else { continue };
        let cost = |table: &Table| {
            let instructions = table.get(name).instructions as f64;
            if same_compiler { instructions } else { instructions / table.get(&yardstick).instructions as f64 }
        };
        let share = cost(measured) / cost(recorded);
        if share > TOLERANCE {
            complaints.push(format!("{name}: {share:.3} of the recorded instructions"));
        } else if share < TOLERANCE.recip() {
            println!("{name}: {share:.3} of the recorded instructions: record the table anew");
        }
        let (now, then) = (measured.get(name).allocations, recorded.get(name).allocations);
        if now > then {
            complaints.push(format!("{name}: {now} allocations, more than the {then} recorded"));
        }
    }
}

/// For a scenario of this crate, returns its app and the scenario that it is compared with.
fn yardstick(name: &str) -> Option<(&str, String)> {
    let (call, app) = name.split_once('/')?;
    match app {
        "tower-verify" => Some((app, format!("{call}/hand-written"))),
        _ if app.starts_with("layers-") => Some((app, format!("{call}/bare"))),
        _ => None,
    }
}
