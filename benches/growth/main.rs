//! How costs grow: with the number of mounted endpoints, of bytes in a body, of fields, of keys and of live tickets.
//! Also the cost of hostile requests of the largest size.
//!
//! `cargo bench --bench growth` measures everything, records it in `benches/growth/figures.json`, draws the plots
//! beside that file, and prints the tables. With `-- recorded`, it draws and prints the recorded figures. It ends with
//! an error if a byte of a hostile request costs too much.

#![recursion_limit = "256"]

#[path = "../support/mod.rs"]
mod support;

mod apps;
mod body;
mod callgrind;
mod figures;
mod hostile;
mod layers;
#[path = "../support/office.rs"]
mod office;
mod plot;
mod ring;
mod scenario;
mod tickets;
mod worst;

use std::{env, error::Error};

use self::figures::Figure;

fn main() -> Result<(), Box<dyn Error>> {
    // cargo adds the argument `--bench`.
    let args: Vec<String> = env::args().skip(1).filter(|arg| arg != "--bench").collect();
    let figures = match &args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["run"] => {
            callgrind::run(scenario::all());
            return Ok(());
        }
        ["recorded"] => figures::recorded()?,
        [] => {
            let figures = measure();
            figures::record(&figures)?;
            figures
        }
        _ => return Err("usage: cargo bench --bench growth [-- recorded]".into()),
    };
    plot::draw(&figures)?;
    print!("{}{}", figures::tables(&figures), worst::table(&figures));
    match &*worst::complaints(&figures) {
        [] => Ok(()),
        complaints => Err(complaints.join("; ").into()),
    }
}

fn measure() -> Vec<Figure> {
    let scenarios = scenario::all();
    let counts = callgrind::count(&scenarios);
    let counted = scenarios.into_iter().zip(counts);
    let counted =
        counted.map(|(scenario, y)| Figure { plot: scenario.plot.into(), line: scenario.line, x: scenario.x, y });
    counted.chain(tickets::figures()).collect()
}
