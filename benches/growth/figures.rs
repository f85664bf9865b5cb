//! The recorded figures, and the tables and lines made of them.

use std::{fmt::Write, fs, io};

use serde::{Deserialize, Serialize};

const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/growth/figures.json");

#[derive(Serialize, Deserialize)]
pub(crate) struct Figure {
    pub(crate) plot: String,
    pub(crate) line: String,
    pub(crate) x: u64,
    pub(crate) y: u64,
}

/// The plots and tables: the name in the figures, the title, the size that grows, and the unit of the cost.
pub(crate) const PLOTS: [(&str, &str, &str, &str); 5] = [
    ("endpoints", "One request, by mounted endpoints", "endpoints", "instructions"),
    ("body", "A Diyalog customer check, by the size of its body", "bytes", "instructions"),
    ("fields", "A guarded Talkdesk call, by the fields in `auth`", "fields", "instructions"),
    ("keys", "Checking a token, by the keys in the ring", "keys", "instructions"),
    ("tickets", "TapTalk's tickets in memory, by those that are live", "live tickets", "ns"),
];

/// Writes one figure a line, for a readable diff.
pub(crate) fn record(figures: &[Figure]) -> io::Result<()> {
    let lines = figures.iter().map(serde_json::to_string).collect::<Result<Vec<_>, _>>()?;
    fs::write(PATH, format!("[\n{}\n]\n", lines.join(",\n")))
}

pub(crate) fn recorded() -> io::Result<Vec<Figure>> {
    Ok(serde_json::from_str(&fs::read_to_string(PATH)?)?)
}

/// Returns the lines of a plot in the order of the figures, each with its points.
pub(crate) fn lines<'f>(figures: &'f [Figure], plot: &str) -> Vec<(&'f str, Vec<(u64, u64)>)> {
    let mut lines: Vec<(&str, Vec<(u64, u64)>)> = Vec::new();
    for figure in figures.iter().filter(|figure| figure.plot == plot) {
        match lines.iter_mut().find(|(name, _)| *name == figure.line) {
            Some((_, points)) => points.push((figure.x, figure.y)),
            None => lines.push((&figure.line, vec![(figure.x, figure.y)])),
        }
    }
    lines
}

/// Returns a Markdown table for each plot. The last column is the exponent between the two largest sizes: 0 is a
/// constant cost, 1 a linear one.
pub(crate) fn tables(figures: &[Figure]) -> String {
    let mut text = String::new();
    for (plot, title, x, y) in PLOTS {
        let lines = lines(figures, plot);
        let Some((_, first)) = lines.first() else { continue };
        let sizes: String = first.iter().map(|(x, _)| format!(" {x} |")).collect();
        let _ =
            writeln!(text, "\n{title}, in {y}\n\n| {x} |{sizes} exponent |\n|---|{}", "---:|".repeat(first.len() + 1));
        for (name, points) in lines {
            let costs: String = points.iter().map(|(_, y)| format!(" {y} |")).collect();
            let _ = writeln!(text, "| {name} |{costs} {:.2} |", exponent(&points));
        }
    }
    text
}

fn exponent(points: &[(u64, u64)]) -> f64 {
    let [.., (x0, y0), (x1, y1)] = points else { return 0.0 };
    (*y1 as f64 / *y0 as f64).ln() / (*x1 as f64 / *x0 as f64).ln()
}
