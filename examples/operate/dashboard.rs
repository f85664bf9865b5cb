//! The parts of a Grafana dashboard that the picture needs.

use std::{fs, path::Path};

use serde::Deserialize;

use crate::BoxError;

#[derive(Deserialize)]
pub(crate) struct Dashboard {
    pub(crate) title: String,
    pub(crate) panels: Vec<Panel>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Panel {
    #[serde(rename = "type")]
    pub(crate) kind: Kind,
    pub(crate) title: String,
    pub(crate) grid_pos: GridPos,
    #[serde(default)]
    pub(crate) field_config: FieldConfig,
    #[serde(default)]
    pub(crate) targets: Vec<Target>,
}

/// The kinds of panels that can be drawn. Any other kind is an error.
#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Kind {
    Row,
    Timeseries,
    StateTimeline,
}

/// The place and the size of a panel, in rows and in columns. A dashboard has 24 columns.
#[derive(Deserialize, Clone, Copy)]
pub(crate) struct GridPos {
    pub(crate) x: u32,
    pub(crate) y: u32,
    pub(crate) w: u32,
    pub(crate) h: u32,
}

#[derive(Deserialize, Default)]
pub(crate) struct FieldConfig {
    pub(crate) defaults: Defaults,
}

#[derive(Deserialize, Default)]
pub(crate) struct Defaults {
    #[serde(default)]
    pub(crate) unit: Unit,
}

/// The units that can be drawn. Any other unit is an error.
#[derive(Deserialize, Default, Clone, Copy)]
pub(crate) enum Unit {
    #[default]
    #[serde(rename = "short")]
    Number,
    #[serde(rename = "percentunit")]
    Share,
    #[serde(rename = "s")]
    Seconds,
    #[serde(rename = "reqps")]
    CallsPerSecond,
    #[serde(rename = "ops")]
    OperationsPerSecond,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Target {
    pub(crate) expr: String,
    pub(crate) legend_format: String,
}

impl Dashboard {
    pub(crate) fn read(path: &Path) -> Result<Self, BoxError> {
        let error = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
        let text = fs::read(path).map_err(|e| error(&e))?;
        let dashboard: Self = serde_json::from_slice(&text).map_err(|e| error(&e))?;
        match dashboard.panels.iter().find(|panel| panel.kind != Kind::Row && panel.targets.is_empty()) {
            Some(panel) => Err(error(&format!("the panel {:?} has no targets: add one", panel.title)).into()),
            None => Ok(dashboard),
        }
    }
}

impl Unit {
    /// The text beside the axis.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Number => "calls",
            Self::Share => "share",
            Self::Seconds => "seconds",
            Self::CallsPerSecond => "calls/s",
            Self::OperationsPerSecond => "operations/s",
        }
    }

    pub(crate) fn format(self, value: f64) -> String {
        match self {
            Self::Share => format!("{:.0} %", value * 100.0),
            _ => ((value * 1000.0).round() / 1000.0).to_string(),
        }
    }
}
