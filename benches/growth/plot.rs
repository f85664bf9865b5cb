//! The plots, drawn from the recorded figures. Both axes are logarithmic: a linear cost is a line at 45 degrees, once
//! it outweighs what is constant.

use std::{error::Error, path::Path};

use plotters::prelude::*;

use crate::figures::{Figure, PLOTS, lines};

pub(crate) fn draw(figures: &[Figure]) -> Result<(), Box<dyn Error>> {
    for (plot, title, x, y) in PLOTS {
        let lines = lines(figures, plot);
        let points = || lines.iter().flat_map(|(_, points)| points);
        let (Some(&(x_end, _)), Some(y_end)) = (points().max_by_key(|(x, _)| x), points().map(|(_, y)| *y).max())
        else {
            continue;
        };
        let (x_start, y_start) = (points().map(|(x, _)| *x).min().unwrap_or(1), points().map(|(_, y)| *y).min());
        let y_start = y_start.unwrap_or(1).max(1);

        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("benches/growth/{plot}.svg"));
        let root = SVGBackend::new(&path, (720, 420)).into_drawing_area();
        root.fill(&WHITE)?;
        let mut chart = ChartBuilder::on(&root)
            .caption(title.replace('`', ""), ("sans-serif", 18))
            .margin(16)
            .x_label_area_size(40)
            .y_label_area_size(70)
            .build_cartesian_2d((x_start..x_end).log_scale(), (y_start / 2..y_end * 2).log_scale())?;
        chart.configure_mesh().x_desc(x).y_desc(y).light_line_style(WHITE).draw()?;
        for (index, (name, points)) in lines.iter().enumerate() {
            let color = Palette99::pick(index).to_rgba();
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
