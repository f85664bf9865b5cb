//! The most expensive hostile request of each endpoint.

use std::fmt::Write;

use crate::{
    figures::Figure,
    hostile::{NORMAL, PLOT},
};

/// The most instructions that a byte of a hostile request may cost. A cost that is not linear exceeds it.
const MOST_A_BYTE: f64 = 200.0;

struct Worst<'f> {
    endpoint: &'f str,
    normal: u64,
    request: &'f str,
    bytes: u64,
    instructions: u64,
}

impl Worst<'_> {
    fn a_byte(&self) -> f64 {
        self.instructions as f64 / self.bytes as f64
    }
}

/// Returns the table in Markdown.
pub(crate) fn table(figures: &[Figure]) -> String {
    let mut text = String::from("\nThe most expensive requests of 16 KiB, in instructions\n\n");
    text += "| endpoint | normal request | most expensive | instructions | ratio | per byte |\n|---|---:|---|---:|---:|---:|\n";
    for worst in of_each_endpoint(figures) {
        let Worst { endpoint, normal, request, instructions, .. } = worst;
        let (ratio, a_byte) = (instructions as f64 / normal as f64, worst.a_byte());
        let _ = writeln!(text, "| {endpoint} | {normal} | {request} | {instructions} | {ratio:.0} | {a_byte:.0} |");
    }
    text
}

/// Returns a message for each request with a byte that costs too much.
pub(crate) fn complaints(figures: &[Figure]) -> Vec<String> {
    let mut all = of_each_endpoint(figures);
    all.retain(|worst| worst.a_byte() > MOST_A_BYTE);
    let complaint = |worst: &Worst<'_>| {
        let (Worst { endpoint, request, .. }, a_byte) = (worst, worst.a_byte());
        format!("{endpoint}, {request}: {a_byte:.0} instructions a byte, more than the {MOST_A_BYTE} allowed")
    };
    all.iter().map(complaint).collect()
}

/// Returns the most expensive request of each endpoint. An endpoint's figures are in a row, the normal request first.
fn of_each_endpoint(figures: &[Figure]) -> Vec<Worst<'_>> {
    let mut all: Vec<Worst<'_>> = Vec::new();
    for Figure { line, x, y, .. } in figures.iter().filter(|figure| figure.plot == PLOT) {
        let Some((endpoint, request)) = line.split_once(": ") else { continue };
        match all.last_mut() {
            Some(worst) if request != NORMAL => {
                if *y > worst.instructions {
                    *worst = Worst { request, bytes: *x, instructions: *y, ..*worst };
                }
            }
            _ => all.push(Worst { endpoint, normal: *y, request, bytes: *x, instructions: *y }),
        }
    }
    all
}
