//! Instructions and allocations of one request, counted under valgrind.
//!
//! `cargo bench --bench instructions` prints the table.

#[path = "../support/mod.rs"]
mod support;

mod scenario;
mod valgrind;

use std::env;

fn main() {
    let args: Vec<String> = env::args().skip(1).filter(|arg| arg != "--bench").collect();
    match &args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["run", name, times] => scenario::run(name, times.parse().expect("a number")),
        names => {
            for name in scenario::NAMES.iter().filter(|n| names.is_empty() || names.contains(n)) {
                let i = valgrind::instructions(name);
                println!("{name:<44}{i:>10}");
            }
        }
    }
}
