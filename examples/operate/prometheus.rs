//! Runs the queries of a panel on a Prometheus.

use std::collections::HashMap;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;

use crate::{BoxError, dashboard::Target};

/// The window of a rate, in seconds. Grafana uses at least four times the scrape interval, which is 1 s here.
const RATE_INTERVAL: u32 = 6;

/// A Prometheus, and the period that is queried, in seconds since the Unix epoch.
pub(crate) struct Prometheus {
    client: Client<HttpConnector, Empty<Bytes>>,
    url: String,
    start: f64,
    end: f64,
}

/// One line of a chart: its name, and its value for each second that has one.
pub(crate) struct Line {
    pub(crate) name: String,
    pub(crate) points: Vec<(f64, f64)>,
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    error: String,
    data: Option<Data>,
}

#[derive(Deserialize)]
struct Data {
    result: Vec<Series>,
}

#[derive(Deserialize)]
struct Series {
    metric: HashMap<String, String>,
    values: Vec<(f64, String)>,
}

impl Prometheus {
    pub(crate) fn new(url: &str, start: f64, end: f64) -> Self {
        let client = Client::builder(TokioExecutor::new()).build_http();
        Self { client, url: url.to_owned(), start, end }
    }

    /// The lines of `target`. Values that are not finite, such as a share of no calls, are left out.
    pub(crate) async fn lines(&self, target: &Target) -> Result<Vec<Line>, BoxError> {
        let expr = target
            .expr
            .replace("$__rate_interval", &format!("{RATE_INTERVAL}s"))
            .replace("$__range", &format!("{:.0}s", self.end - self.start))
            .replace("$endpoint", ".*");
        let (expr, start, end) = (utf8_percent_encode(&expr, NON_ALPHANUMERIC), self.start, self.end);
        let uri = format!("{}/api/v1/query_range?query={expr}&start={start}&end={end}&step=1", self.url);
        let response = self.client.get(uri.parse()?).await?;
        let answer: Answer = serde_json::from_slice(&response.into_body().collect().await?.to_bytes())?;
        let data = answer.data.ok_or(answer.error)?;
        let mut lines = Vec::new();
        for series in data.result {
            let value =
                |(time, value): &(f64, String)| Some((*time, value.parse().ok().filter(|v: &f64| v.is_finite())?));
            let points: Vec<_> = series.values.iter().filter_map(value).collect();
            if !points.is_empty() {
                lines.push(Line { name: legend(&target.legend_format, &series.metric), points });
            }
        }
        lines.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(lines)
    }
}

/// The name of a line: `format`, with each `{{label}}` replaced by its value.
fn legend(format: &str, labels: &HashMap<String, String>) -> String {
    let fill = |text: String, (label, value): (&String, &String)| text.replace(&format!("{{{{{label}}}}}"), value);
    labels.iter().fold(format.to_owned(), fill)
}
