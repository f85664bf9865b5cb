//! Issuing and checking a token, compared with one HMAC-SHA-256 and with jsonwebtoken's HS256 with the same claims.
//!
//! `cargo bench --bench token` prints a table: native times, their ratios to the HMAC, and instructions. Times say what a
//! token costs, because many processors compute SHA-256 in hardware. Instructions are counted by valgrind, which has no
//! such hardware: they say what a change costs on a busy machine. `… -- run <name> <times>` runs one operation.

mod instructions;
mod jwt;
mod scenario;
mod times;

use std::env;

use self::scenario::{NAMES, Scenario};

fn main() {
    let scenario = Scenario::new();
    let args: Vec<String> = env::args().skip(1).collect();
    if let [run, name, times] = &args[..]
        && run == "run"
    {
        scenario.run(name, times.parse().expect("a number"));
        return;
    }
    println!("| operation | ns | ratio | instructions |\n|---|---:|---:|---:|");
    for (name, time) in NAMES.iter().zip(times::measure(&scenario)) {
        println!("| {name} | {:.0} | {:.2} | {} |", time.nanos, time.ratio, instructions::count(name));
    }
}
