//! Instructions and allocations of one request, counted under valgrind.
//!
//! `cargo bench --bench instructions` prints the table. With `-- --check`, it also fails if a figure exceeds its limit,
//! or is higher than recorded in `benches/instructions.txt`, or if the cost of a denial tells more than its answer. With
//! `-- --record`, it writes that file. With `-- denials`, it looks at the denials alone.

#[path = "../support/mod.rs"]
mod support;

mod denials;
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
        ["run", name, times] => {
            let times = times.parse().expect("a number");
            if !denials::run(name, times) {
                scenario::run(name, times);
            }
        }
        ["denials"] => return finish(&denials::complaints()),
        [] => print!("{}", Table::measure()),
        ["--record"] => std::fs::write(RECORDED, Table::measure().to_string()).expect("the table cannot be written"),
        ["--check"] => {
            let measured = Table::measure();
            print!("{measured}");
            let recorded = std::fs::read_to_string(RECORDED).expect("there is no recorded table");
            let mut complaints =
                gate::complaints(&measured, &recorded.parse().expect("the recorded table is malformed"));
            complaints.extend(denials::complaints());
            return finish(&complaints);
        }
        _ => {
            eprintln!("usage: cargo bench --bench instructions [-- --check | --record | denials | run <name> <times>]");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

fn finish(complaints: &[String]) -> ExitCode {
    complaints.iter().for_each(|complaint| eprintln!("{complaint}"));
    if complaints.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
