//! Checks that all servers give the same answers. Otherwise their figures could not be compared.

use std::error::Error;

use bytes::Bytes;
use http::{
    HeaderMap, Request, StatusCode,
    header::{CACHE_CONTROL, CONTENT_TYPE},
};
use http_body_util::{BodyExt, Full};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};

use crate::{
    servers::Server,
    support::{TOKEN, bare::TEXT, call},
};

/// Fails unless every server answers the app's route, a valid token and an invalid one as the first server does, and as
/// Diyalog documents it.
pub(crate) fn compare(servers: &[Server]) -> Result<(), Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
        let mut answers = Vec::new();
        for Server { name, url, .. } in servers {
            for (request, word) in calls(url)? {
                let answer = client.request(request).await?;
                let answer =
                    (answer.status(), headers(answer.headers()), answer.into_body().collect().await?.to_bytes());
                if answer.0 != StatusCode::OK || answer.2 != word {
                    return Err(format!("{name} must answer {word}, but answers {answer:?}").into());
                }
                answers.push((name, answer));
            }
        }
        let of_first = answers.iter().take(answers.len() / servers.len()).cycle();
        match answers.iter().zip(of_first).find(|((_, answer), (_, first))| answer != first) {
            Some(((name, answer), (_, first))) => Err(format!("{name} answers {answer:?} instead of {first:?}").into()),
            None => Ok(()),
        }
    })
}

type Call = (Request<Full<Bytes>>, &'static str);

/// Returns three calls, each with the word of the expected answer.
fn calls(url: &str) -> http::Result<[Call; 3]> {
    let post = |token: &str| {
        let request = Request::post(format!("{url}/checkauthtoken")).header(CONTENT_TYPE, "application/json");
        request.body(Full::from(call::body(token)))
    };
    Ok([
        (Request::get(format!("{url}/")).body(Full::default())?, TEXT),
        (post(TOKEN)?, "Validated"),
        (post(&TOKEN.replace('2', "3"))?, "InvalidToken"),
    ])
}

/// Returns the headers that the app sets. The server sets the others.
fn headers(headers: &HeaderMap) -> [Option<String>; 2] {
    [CONTENT_TYPE, CACHE_CONTROL].map(|name| headers.get(name).map(|value| format!("{value:?}")))
}
