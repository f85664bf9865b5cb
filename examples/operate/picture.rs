//! Draws the picture: the planted faults, and the panels in the layout of the dashboard.

use std::path::Path;

use plotters::{
    coord::Shift,
    prelude::*,
    style::text_anchor::{HPos, Pos, VPos},
};

use crate::{
    BoxError, Fault, chart,
    dashboard::{Kind, Panel},
    prometheus::Line,
};

/// A panel and its data.
pub(crate) struct Drawn {
    pub(crate) panel: Panel,
    pub(crate) lines: Vec<Line>,
}

pub(crate) type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

const WIDTH: u32 = 1200;

/// The size of a column and of a row of the dashboard, in pixels.
const COLUMN: u32 = WIDTH / 24;
const ROW: u32 = 30;

/// The height of a line in the list of faults, in pixels.
const LINE: u32 = 17;

/// The height of the space above the list of faults, in pixels.
const HEADER: u32 = 56;

pub(crate) const INK: RGBColor = RGBColor(36, 41, 46);
pub(crate) const FAINT: RGBColor = RGBColor(110, 118, 126);

pub(crate) fn draw(path: &Path, title: &str, panels: &[Drawn], faults: &[Fault]) -> Result<(), BoxError> {
    let rows = panels.iter().map(|drawn| drawn.panel.grid_pos.y + drawn.panel.grid_pos.h).max().unwrap_or(0);
    let top = HEADER + LINE * faults.len() as u32 + 12;
    let mut svg = String::new();
    {
        let root = SVGBackend::with_string(&mut svg, (WIDTH, top + rows * ROW + 8)).into_drawing_area();
        root.fill(&WHITE)?;
        header(&root, title, faults)?;
        let mut colors = chart::Colors::default();
        for drawn in panels {
            let at = drawn.panel.grid_pos;
            let size = (at.w * COLUMN, at.h * ROW);
            let area = root.clone().shrink((at.x * COLUMN, top + at.y * ROW), size);
            match drawn.panel.kind {
                Kind::Row => question(&area, &drawn.panel.title, size.0 as i32)?,
                Kind::Timeseries => chart::lines(&area, drawn, faults, &mut colors)?,
                Kind::StateTimeline => chart::states(&area, drawn, faults)?,
            }
        }
        root.present()?;
    }
    // The guide has the picture inline: there an empty line would end it, and it must not be wider than the page.
    let svg = svg.replacen("<svg ", "<svg style=\"max-width: 100%; height: auto\" ", 1);
    let svg: String = svg.lines().filter(|line| !line.is_empty()).flat_map(|line| [line, "\n"]).collect();
    std::fs::write(path, svg).map_err(|error| format!("{}: {error}", path.display()).into())
}

/// Draws the title, and the list of the faults with their times.
fn header(root: &Area<'_>, title: &str, faults: &[Fault]) -> Result<(), BoxError> {
    text(root, title, (16, 12), 18, INK)?;
    text(
        root,
        "One run of .ci/operate, with the rules' times shortened. Grey: something is broken on purpose.",
        (16, 36),
        12,
        FAINT,
    )?;
    let start = faults.first().map_or(0.0, |fault| fault.start);
    for (index, fault) in faults.iter().enumerate() {
        let y = (HEADER + LINE * index as u32) as i32;
        let times = format!("{} to {}", clock(fault.start - start), clock(fault.end - start));
        text(root, &number(faults, index), (16, y), 12, INK)?;
        text(root, &times, (36, y), 12, FAINT)?;
        text(root, &fault.planted, (130, y), 12, INK)?;
        text(root, &fault.alerts, (560, y), 12, chart::FIRING)?;
    }
    Ok(())
}

/// Draws the title of a group of panels, which is one of the five questions.
fn question(area: &Area<'_>, title: &str, width: i32) -> Result<(), BoxError> {
    area.draw(&Rectangle::new([(8, 6), (width - 8, ROW as i32 - 2)], RGBColor(234, 238, 242).filled()))?;
    text(area, title, (16, 10), 14, INK)
}

/// Draws text with its upper left corner at `position`.
pub(crate) fn text(
    area: &Area<'_>,
    text: &str,
    position: (i32, i32),
    size: u32,
    color: RGBColor,
) -> Result<(), BoxError> {
    let style = ("sans-serif", size).into_font().color(&color).pos(Pos::new(HPos::Left, VPos::Top));
    Ok(area.draw_text(text, &style, position)?)
}

/// The number of a phase among those in which something is broken. It is empty for the other phases.
pub(crate) fn number(faults: &[Fault], index: usize) -> String {
    if !faults[index].is_planted() {
        return String::new();
    }
    faults[..=index].iter().filter(|fault| fault.is_planted()).count().to_string()
}

/// Formats seconds since the start of the run as minutes and seconds.
pub(crate) fn clock(seconds: f64) -> String {
    let seconds = seconds.round() as i64;
    format!("{}:{:02}", seconds / 60, seconds % 60)
}
