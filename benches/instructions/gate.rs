//! What must not become dearer, and the bars that were set.

use crate::{scenario::NAMES, table::Table};

/// How much more than recorded is let pass.
const TOLERANCE: f64 = 1.03;

/// The most instructions that the first layer may add to another path's request, and each further one.
///
/// Half of a further layer's are one copy of the request: routes may have predicates, which the compiler cannot see through.
const FIRST_LAYER: f64 = 60.0;
const FURTHER_LAYER: f64 = 65.0;

/// The most instructions that fifteen further endpoints in one layer may add to another path's request.
const FURTHER_ENDPOINTS: f64 = 15.0;

/// The most instructions of a check whose endpoint is made of public items alone, in those of the built-in one.
const OUTSIDE: f64 = 1.05;

/// The most instructions of the dearest body of the largest size, in those of a good one of that size.
const HOSTILE: f64 = 20.0;

/// The most instructions of an intercepted request, in those of the handler written by hand.
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
        println!("{what}: {figure:.2}, the bar is {bar:.2}");
        if figure > bar {
            complaints.push(format!("{what}: {figure:.2}, which is above the bar of {bar:.2}"));
        }
    };
    for app in ["other", "other-query", "other-boxed"] {
        let [bare, first, all] = ["bare", "layers-1", "layers-16"].map(|layers| of(&format!("{app}/{layers}")));
        // The compiler makes less of the smallest app alone than of one behind a pointer: what a layer takes from it is
        // held to the record only.
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
        "granted: instructions of an endpoint made of public items, built in 1.00".into(),
        of("granted/outside") / of("granted/tower-verify"),
        OUTSIDE,
    );
    for call in ["granted", "denied", "malformed"] {
        let ratio = of(&format!("{call}/tower-verify")) / of(&format!("{call}/hand-written"));
        at_most(format!("{call}: instructions, by hand 1.00"), ratio, INTERCEPTED);
    }
    at_most("largest: instructions, a good one 1.00".into(), of("largest/worst") / of("largest/granted"), HOSTILE);

    for name in NAMES {
        let Some((app, yardstick)) = yardstick(name) else { continue };
        let [ours, theirs] = [name, &&*yardstick].map(|name| measured.get(name).allocations);
        let fewer = if app == "tower-verify" { ours < theirs } else { ours == theirs };
        if !fewer {
            complaints.push(format!("{name}: {ours} allocations, and {theirs} of {yardstick}"));
        }
    }
}

/// With the compiler of the record, what is counted is compared; with another one, its share of the yardstick.
fn against_recorded(measured: &Table, recorded: &Table, complaints: &mut Vec<String>) {
    let same_compiler = measured.compiler == recorded.compiler;
    if !same_compiler {
        println!("recorded with {}: compared by what is measured beside it", recorded.compiler);
    }
    for name in NAMES {
        let Some((_, yardstick)) = yardstick(name) else { continue };
        let cost = |table: &Table| {
            let instructions = table.get(name).instructions as f64;
            if same_compiler { instructions } else { instructions / table.get(&yardstick).instructions as f64 }
        };
        let share = cost(measured) / cost(recorded);
        if share > TOLERANCE {
            complaints.push(format!("{name}: {share:.3} of the instructions that were recorded"));
        } else if share < TOLERANCE.recip() {
            println!("{name}: {share:.3} of the instructions that were recorded; record it anew");
        }
        let (now, then) = (measured.get(name).allocations, recorded.get(name).allocations);
        if now > then {
            complaints.push(format!("{name}: {now} allocations, and {then} were recorded"));
        }
    }
}

/// The app of a scenario of this crate, and the scenario that it is compared with.
fn yardstick(name: &str) -> Option<(&str, String)> {
    let (call, app) = name.split_once('/')?;
    match app {
        "tower-verify" => Some((app, format!("{call}/hand-written"))),
        _ if app.starts_with("layers-") => Some((app, format!("{call}/bare"))),
        _ => None,
    }
}
