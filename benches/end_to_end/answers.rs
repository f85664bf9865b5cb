//! What the servers answer. Only those that say the same can be compared.

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

/// Fails unless every server answers the app's route, a good token and a bad one as the first of them does, and as
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
                    return Err(format!("{name} should say {word}: {answer:?}").into());
                }
                answers.push((name, answer));
            }
        }
        let of_first = answers.iter().take(answers.len() / servers.len()).cycle();
        match answers.iter().zip(of_first).find(|((_, answer), (_, first))| answer != first) {
            Some(((name, answer), (_, first))) => Err(format!("{name} says {answer:?}, not {first:?}").into()),
            None => Ok(()),
        }
    })
}

type Call = (Request<Full<Bytes>>, &'static str);

/// Calls, each with the word that it must be answered with.
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

/// The headers that an app sets. The others are its server's.
fn headers(headers: &HeaderMap) -> [Option<String>; 2] {
    [CONTENT_TYPE, CACHE_CONTROL].map(|name| headers.get(name).map(|value| format!("{value:?}")))
}
