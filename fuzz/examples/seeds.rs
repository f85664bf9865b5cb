//! Writes seeds from the contracts' vectors: each request that a vector sends, in the form that its target reads.
//!
//! `.ci/fuzz --seeds` runs it. `.ci/fuzz --keep` then leaves out the seeds that cover nothing of their own.

use std::{fs, path::Path};

use serde::Deserialize;
use serde_json::Value;
use tower_verify_fuzz::message;

#[derive(Deserialize)]
struct Vector {
    endpoint: String,
    request: Request,
    verifier: Value,
    answer: Answer,
}

#[derive(Deserialize)]
struct Answer {
    body: String,
}

#[derive(Deserialize)]
struct Request {
    path: String,
    #[serde(default)]
    headers: Vec<(String, String)>,
    body: Option<String>,
    body_hex: Option<String>,
}

impl Request {
    fn body(&self) -> Vec<u8> {
        let hex = |hex: &String| data_encoding::HEXLOWER_PERMISSIVE.decode(hex.as_bytes()).expect("it is hexadecimal");
        self.body.clone().map(String::into_bytes).or(self.body_hex.as_ref().map(hex)).unwrap_or_default()
    }

    /// The whole request, after the byte that chooses an endpoint.
    fn chosen(&self, choice: u8) -> Vec<u8> {
        let query = self.path.split_once('?').map(|(_, query)| query);
        [&[choice][..], &message::write(query, &self.headers, &self.body())].concat()
    }
}

/// What proxies write, and what clients write to be taken for another one.
const FORWARDED: [&str; 8] = [
    "X-Forwarded-For: 6.6.6.6, 203.0.113.9",
    "X-Forwarded-For: 6.6.6.6\nX-Forwarded-For: 203.0.113.9:4711, [2001:db8::9]:_port,, unknown",
    "Forwarded: for=192.0.2.60;proto=http;by=203.0.113.43",
    "Forwarded: For=\"[2001:db8:cafe::17]:4711\", for=192.0.2.43",
    "Forwarded: for=\"_gazonk\", for=unknown;host=\"a,b;c\"",
    "Forwarded: for=\"6.6.6.6\nForwarded: for=\"a\\\"b\", for=192.0.2.43;for=6.6.6.6",
    "Forwarded: secret=\"x;for=6.6.6.6",
    "X-Forwarded-For: ::ffff:203.0.113.9",
];

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (number, headers) in FORWARDED.into_iter().enumerate() {
        write(root, "client_addr", &format!("forwarded-{number}"), headers.as_bytes());
    }
    write(root, "headers", "cookies", b"Cookie: theme=dark; s=605b32dd\nCookie: s2=1;s=a=b");
    write(root, "query", "path", b"/user/john%40example.com/a%2Fb+c");
    for file in ["diyalog", "talkdesk", "taptalk"] {
        let text = fs::read_to_string(root.join(format!("../tests/vectors/{file}.json"))).expect("the file is there");
        let vectors: Vec<Vector> = serde_json::from_str(&text).expect("the file has vectors");
        for (number, vector) in vectors.iter().enumerate() {
            for (way, (target, seed)) in seeds(vector).into_iter().enumerate() {
                write(root, target, &format!("{file}-{number}-{way}"), &seed);
            }
        }
    }
}

fn write(root: &Path, target: &str, name: &str, seed: &[u8]) {
    let folder = root.join("seeds").join(target);
    fs::create_dir_all(&folder).expect("the folder can be made");
    fs::write(folder.join(name), seed).expect("the seed can be written");
}

/// The targets that read such a request, and their inputs.
fn seeds(Vector { endpoint, request, verifier, answer }: &Vector) -> Vec<(&'static str, Vec<u8>)> {
    let mut seeds = Vec::new();
    let query = request.path.split_once('?').map_or(String::new(), |(_, query)| query.to_owned());
    let body = request.body();
    let is_short = body.len() <= 1024;
    let chosen: &[(&'static str, u8)] = match &**endpoint {
        "diyalog_customer" => &[],
        "diyalog_agent" => &[],
        "talkdesk_validator" => &[("talkdesk", 0), ("talkdesk", 1)],
        "talkdesk_guard" => &[("talkdesk", 2), ("talkdesk", 3)],
        "taptalk_auth_ticket" => &[("taptalk_body", 0), ("taptalk_body", 1), ("taptalk_body", 2)],
        "taptalk_access_token" => &[("taptalk_headers", 0), ("taptalk_headers", 3), ("taptalk_headers", 4)],
        "taptalk_refresh" => &[("taptalk_headers", 1)],
        "taptalk_connect" => &[("taptalk_headers", 2), ("taptalk_headers", 5)],
        other => panic!("{other} is new: say which target reads it"),
    };
    for (target, choice) in chosen {
        let seed = match *target {
            "talkdesk" => [&[*choice][..], &body].concat(),
            _ => request.chosen(*choice),
        };
        seeds.push((*target, seed));
    }
    match &**endpoint {
        "diyalog_customer" => seeds.push(("diyalog_customer", body.clone())),
        "diyalog_agent" => seeds.extend([("diyalog_agent", query.clone().into()), ("query", query.clone().into())]),
        _ => {}
    }
    let subjects: &[u8] = match &**endpoint {
        "diyalog_customer" => &[0],
        "diyalog_agent" => &[1],
        "talkdesk_validator" => &[2, 3],
        "talkdesk_guard" => &[4, 5],
        "taptalk_auth_ticket" => &[6, 7, 8],
        "taptalk_access_token" => &[9, 12, 13],
        "taptalk_refresh" => &[10],
        _ => &[11, 14],
    };
    let script = match verifier.as_str() {
        Some("error") => 3,
        Some("throttled") => 4,
        Some("panic") => 5,
        _ => 0,
    };
    for subject in subjects {
        // The subject, what the verifier does, no limits, a length that is known, and a body in two kinds of frames.
        let control = [&[*subject, script, 1, 0, 0, 17][..], &[40, 210].repeat(8)].concat();
        seeds.push(("layer", [control, request.chosen(0)[1..].to_vec()].concat()));
    }
    if endpoint == "taptalk_auth_ticket" {
        seeds.push(("taptalk_client", [&[0, 100][..], answer.body.as_bytes()].concat()));
    }
    if !body.is_empty() {
        seeds.push(("json", body.clone()));
    }
    if !request.headers.is_empty() {
        seeds.push(("headers", message::write(None, &request.headers, b"")));
    }
    seeds.retain(|_| is_short);
    seeds
}
