//! Instructions and allocations of one request, counted under valgrind.
//!
//! `cargo bench --bench instructions` prints the table. With `-- --check`, it also fails if a figure exceeds its limit,
//! or is higher than recorded in `benches/instructions.txt`. With `-- --record`, it writes that file.

#[path = "../support/mod.rs"]
mod support;

mod gate;
mod observed;
mod scenario;
mod served;
mod table;
mod throttled;
mod valgrind;

use std::{env, process::ExitCode};

use self::table::Table;

const RECORDED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/instructions.txt");

fn main() -> ExitCode {
    // cargo adds the argument `--bench`.
    let args: Vec<String> = env::args().skip(1).filter(|arg| arg != "--bench").collect();
    match &args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["run", name, times] => scenario::run(name, times.parse().expect("a number")),
        [] => print!("{}", Table::measure()),
        ["--record"] => std::fs::write(RECORDED, Table::measure().to_string()).expect("the table cannot be written"),
        ["--check"] => {
            let measured = Table::measure();
            print!("{measured}");
            let recorded = std::fs::read_to_string(RECORDED).expect("there is no recorded table");
            let complaints = gate::complaints(&measured, &recorded.parse().expect("the recorded table is malformed"));
            for complaint in &complaints {
                eprintln!("{complaint}");
            }
            return if complaints.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
        }
        _ => {
            eprintln!("usage: cargo bench --bench instructions [-- --check | --record | run <name> <times>]");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
