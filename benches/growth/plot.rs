//! Draws the recorded figures. Both axes are logarithmic: a linear cost is a line at 45 degrees where it is larger than
//! the constant cost.

use std::{error::Error, path::Path};

use plotters::prelude::*;

use crate::figures::{Figure, PLOTS, lines};

/// Colors that red-green colorblind readers can tell apart.
const COLORS: [RGBColor; 4] =
    [RGBColor(0, 90, 181), RGBColor(220, 50, 32), RGBColor(120, 120, 120), RGBColor(230, 159, 0)];

pub(crate) fn draw(figures: &[Figure]) -> Result<(), Box<dyn Error>> {
    for (plot, title, x, y) in PLOTS {
        let lines = lines(figures, plot);
        let points = || lines.iter().flat_map(|(_, points)| points);
        let (Some(x_start), Some(x_end)) = (points().map(|(x, _)| *x).min(), points().map(|(x, _)| *x).max()) else {
            continue;
        };
        // Whole decades, as only these are labelled.
        let decades = points().map(|(_, y)| 10_u64.pow(y.max(&1).ilog10()));
        let (y_start, y_end) = (decades.clone().min().unwrap_or(1), decades.max().unwrap_or(1) * 10);

        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("benches/growth/{plot}.svg"));
        let root = SVGBackend::new(&path, (720, 420)).into_drawing_area();
        root.fill(&WHITE)?;
        let mut chart = ChartBuilder::on(&root)
            .caption(title.replace('`', ""), ("sans-serif", 18))
            .margin(16)
            .margin_right(48)
            .x_label_area_size(40)
            .y_label_area_size(70)
            .build_cartesian_2d((x_start..x_end).log_scale(), (y_start..y_end).log_scale())?;
        chart.configure_mesh().x_desc(x).y_desc(y).light_line_style(WHITE).draw()?;
        for (index, (name, points)) in lines.iter().enumerate() {
            let color = COLORS[index % COLORS.len()];
            chart
                .draw_series(LineSeries::new(points.iter().copied(), color.stroke_width(2)))?
                .label(*name)
                .legend(move |(x, y)| PathElement::new(vec![(x, y), (x + 18, y)], color.stroke_width(2)));
        }
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::UpperLeft)
            .background_style(WHITE)
            .border_style(BLACK.mix(0.3))
            .draw()?;
        root.present()?;
    }
    Ok(())
}
