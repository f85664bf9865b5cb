//! Draws the charts of the picture.

use std::collections::{HashMap, HashSet};

use plotters::{
    coord::types::RangedCoordf64,
    prelude::*,
    style::text_anchor::{HPos, Pos, VPos},
};

use crate::{
    BoxError, Fault,
    picture::{self, Area, Drawn, FAINT, INK},
};

pub(crate) const FIRING: RGBColor = RGBColor(196, 49, 32);
const BROKEN: RGBColor = RGBColor(226, 230, 234);
const GRID: RGBColor = RGBColor(236, 239, 242);

/// Colors that people who cannot tell red from green can tell apart.
const COLORS: [RGBColor; 10] = [
    RGBColor(0, 114, 178),
    RGBColor(230, 159, 0),
    RGBColor(0, 158, 115),
    RGBColor(213, 94, 0),
    RGBColor(204, 121, 167),
    RGBColor(86, 180, 233),
    RGBColor(90, 90, 90),
    RGBColor(176, 160, 20),
    RGBColor(120, 60, 160),
    RGBColor(150, 90, 50),
];

/// The width of the legend on the right, in pixels.
const LEGEND: i32 = 196;

/// The number of characters that fit into the legend.
const LEGEND_CHARS: usize = 34;

type Chart<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;

/// Gives a name the same color in all panels, and the names of one panel different colors.
#[derive(Default)]
pub(crate) struct Colors(HashMap<String, usize>);

impl Colors {
    fn of(&mut self, name: &str, taken: &mut HashSet<usize>) -> RGBColor {
        let next = self.0.len();
        let mut index = *self.0.entry(name.to_owned()).or_insert(next) % COLORS.len();
        if taken.len() < COLORS.len() {
            while !taken.insert(index) {
                index = (index + 1) % COLORS.len();
            }
        }
        COLORS[index]
    }
}

/// Draws a panel of lines.
pub(crate) fn lines(area: &Area<'_>, drawn: &Drawn, faults: &[Fault], colors: &mut Colors) -> Result<(), BoxError> {
    let unit = drawn.panel.field_config.defaults.unit;
    let values = drawn.lines.iter().flat_map(|line| &line.points).map(|(_, value)| *value);
    let highest = values.fold(0.0, f64::max).max(1e-3) * 1.18;
    let mut chart = frame(area, drawn, faults, highest, 74, LEGEND)?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .bold_line_style(GRID)
        .light_line_style(TRANSPARENT)
        .axis_style(FAINT)
        .x_labels(10)
        .y_labels(5)
        .x_label_formatter(&|seconds| picture::clock(*seconds))
        .y_label_formatter(&|value| unit.format(*value))
        .y_desc(unit.name())
        .label_style(("sans-serif", 11).into_font().color(&FAINT))
        .axis_desc_style(("sans-serif", 11).into_font().color(&FAINT))
        .draw()?;

    let (start, mut taken) = (faults.first().map_or(0.0, |fault| fault.start), HashSet::new());
    let left = area.dim_in_pixel().0 as i32 - LEGEND + 6;
    for (index, line) in drawn.lines.iter().enumerate() {
        let (color, y) = (colors.of(&line.name, &mut taken), 34 + 15 * index as i32);
        for piece in pieces(&line.points) {
            let points = piece.into_iter().map(|(time, value)| (time - start, value));
            chart.draw_series(LineSeries::new(points, color.stroke_width(2)))?;
        }
        area.draw(&PathElement::new([(left, y + 6), (left + 14, y + 6)], color.stroke_width(3)))?;
        let mut name: String = line.name.chars().take(LEGEND_CHARS).collect();
        if name.len() < line.name.len() {
            name.push('…');
        }
        picture::text(area, &name, (left + 20, y), 11, INK)?;
    }
    Ok(())
}

/// Draws a panel with a bar for each time in which a state lasted.
pub(crate) fn states(area: &Area<'_>, drawn: &Drawn, faults: &[Fault]) -> Result<(), BoxError> {
    let rows = drawn.lines.len() as f64;
    let mut chart = frame(area, drawn, faults, rows, 190, 12)?;
    chart
        .configure_mesh()
        .disable_mesh()
        .axis_style(FAINT)
        .x_labels(10)
        .y_labels(0)
        .x_label_formatter(&|seconds| picture::clock(*seconds))
        .label_style(("sans-serif", 11).into_font().color(&FAINT))
        .draw()?;
    let start = faults.first().map_or(0.0, |fault| fault.start);
    let style = ("sans-serif", 11).into_font().color(&INK).pos(Pos::new(HPos::Right, VPos::Center));
    for (index, line) in drawn.lines.iter().enumerate() {
        let y = rows - index as f64;
        let bars = pieces(&line.points).into_iter().filter_map(|piece| {
            let (from, to) = (piece.first()?.0 - start, piece.last()?.0 - start);
            Some(Rectangle::new([(from, y - 0.2), (to.max(from + 1.0), y - 0.8)], FIRING.filled()))
        });
        chart.draw_series(bars)?;
        let name = EmptyElement::at((0.0, y - 0.5)) + Text::new(line.name.clone(), (-6, 0), style.clone());
        chart.draw_series([name])?;
    }
    Ok(())
}

/// Draws the title and the axes of a panel, and behind them the times of the faults.
fn frame<'a, 'b>(
    area: &'a Area<'b>,
    drawn: &Drawn,
    faults: &[Fault],
    highest: f64,
    left: u32,
    right: i32,
) -> Result<Chart<'a, 'b>, BoxError> {
    picture::text(area, &drawn.panel.title, (16, 8), 13, INK)?;
    let (Some(first), Some(last)) = (faults.first(), faults.last()) else { return Err("there are no phases".into()) };
    let mut chart = ChartBuilder::on(area)
        .margin_top(28)
        .margin_left(8)
        .margin_right(right)
        .margin_bottom(4)
        .x_label_area_size(24)
        .y_label_area_size(left)
        .build_cartesian_2d(0.0..last.end - first.start, 0.0..highest)?;
    let style = ("sans-serif", 10).into_font().color(&FAINT).pos(Pos::new(HPos::Left, VPos::Top));
    for (index, fault) in faults.iter().enumerate().filter(|(_, fault)| fault.is_planted()) {
        let (from, to) = (fault.start - first.start, fault.end - first.start);
        chart.draw_series([Rectangle::new([(from, 0.0), (to, highest)], BROKEN.filled())])?;
        let number =
            EmptyElement::at((from, highest)) + Text::new(picture::number(faults, index), (2, 1), style.clone());
        chart.draw_series([number])?;
    }
    Ok(chart)
}

/// Splits the points where a value is missing. Leaves out points between two others of the same value.
fn pieces(points: &[(f64, f64)]) -> Vec<Vec<(f64, f64)>> {
    let pieces = points.chunk_by(|(before, _), (after, _)| after - before < 1.5);
    let thin = |piece: &[(f64, f64)]| {
        let needed = |index: &usize| {
            let level = |other: usize| piece.get(other).is_some_and(|(_, value)| *value == piece[*index].1);
            !(*index > 0 && level(*index - 1) && level(*index + 1))
        };
        (0..piece.len()).filter(needed).map(|index| piece[index]).collect()
    };
    pieces.map(thin).collect()
}
