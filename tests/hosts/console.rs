//! The calls that the header of an example shows, read as a shell would read them: `curl` with a few options, a cookie
//! jar among them, and `NAME=$(curl … | cut -d'"' -fN)`.

use std::{collections::HashMap, fs, net::SocketAddr, path::Path};

use http::Request;

use crate::support::{Answer, send};

/// A command of the header, and what is printed below it.
pub(crate) struct Shown {
    command: String,
    answer: String,
}

/// The commands in the header of the example at `source`, without the one that starts it.
pub(crate) fn shown(source: &Path) -> Vec<Shown> {
    let text = fs::read_to_string(source).expect("the example has a source");
    let header = text.lines().map_while(|line| line.strip_prefix("//!")).map(str::trim_start);
    let console = header.skip_while(|line| *line != "```console").skip(1).take_while(|line| *line != "```");
    let mut shown = Vec::<Shown>::new();
    for line in console {
        match (line.strip_prefix("$ "), shown.last_mut()) {
            (Some(command), _) => shown.push(Shown { command: command.to_owned(), answer: String::new() }),
            (None, Some(last)) => last.answer.push_str(line),
            (None, None) => panic!("{}: an answer comes before any command", source.display()),
        }
    }
    assert!(!shown.is_empty(), "{}: the header shows no commands", source.display());
    assert!(shown.remove(0).command.starts_with("cargo run --example "), "the header begins with the example's start");
    shown
}

/// Makes the calls one after the other at `address` instead of the port 3000, and compares each with its answer.
pub(crate) async fn assert_answers(shown: &[Shown], address: SocketAddr) {
    let mut variables = HashMap::new();
    for Shown { command, answer } in shown {
        if let Some((name, call)) = command.split_once("=$(") {
            let (call, cut) = call.rsplit_once(r#" | cut -d'"' -f"#).expect("a value is cut out of the answer");
            let field: usize = cut.strip_suffix(')').and_then(|field| field.parse().ok()).expect("a field's number");
            let body = curl(call, &mut variables, address).await.body;
            let value = body.split('"').nth(field - 1).unwrap_or_else(|| panic!("{command}\nanswered: {body}"));
            variables.insert(name.to_owned(), value.to_owned());
        } else {
            let body = curl(command, &mut variables, address).await.body;
            assert!(is_like(answer, body.trim_end()), "{command}\nanswered: {body}\nshown:    {answer}");
        }
    }
}

async fn curl(command: &str, variables: &mut HashMap<String, String>, address: SocketAddr) -> Answer {
    let mut words = words(command, variables).into_iter();
    assert_eq!(words.next().as_deref(), Some("curl"), "{command}");
    let (mut method, mut path, mut body, mut kept, mut prints_status) =
        ("GET".to_owned(), None, String::new(), None, false);
    let mut request = Request::builder().header("user-agent", "curl");
    while let Some(word) = words.next() {
        let mut value = || words.next().unwrap_or_else(|| panic!("{word} has a value"));
        match &*word {
            "-d" => (method, body) = ("POST".to_owned(), value()),
            "-X" => method = value(),
            "-H" => {
                let header = value();
                let (name, value) = header.split_once(": ").expect("a header has a name and a value");
                request = request.header(name, value);
            }
            // The jar is one of the variables, and holds one cookie.
            "-c" => kept = Some(value()),
            "-b" => {
                let jar = value();
                let cookie = variables.get(&jar).unwrap_or_else(|| panic!("{command}: {jar} is empty"));
                request = request.header("cookie", cookie);
            }
            "-w" => {
                assert_eq!(value(), "%{http_code}", "{command}");
                prints_status = true;
            }
            url => path = url.strip_prefix("http://127.0.0.1:3000").map(str::to_owned),
        }
    }
    let path = path.unwrap_or_else(|| panic!("{command}: no URL at the example's address"));
    let request = request.method(&*method).uri(path).body(body).expect("the call is a request");
    let mut answer = send(address, request).await;
    if let Some(jar) = kept {
        let cookie = answer.headers["set-cookie"].to_str().expect("the cookie is text");
        variables.insert(jar, cookie.split(';').next().unwrap_or_default().to_owned());
    }
    if prints_status {
        answer.body.push_str(&answer.status.to_string());
    }
    answer
}

/// The words of a command: in single quotes everything is text, elsewhere `$NAME` is a variable.
fn words(command: &str, variables: &HashMap<String, String>) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), String::new(), None);
    let mut rest = command.chars().peekable();
    while let Some(next) = rest.next() {
        match (quote, next) {
            (None, '\'' | '"') => quote = Some(next),
            (Some(open), close) if open == close => quote = None,
            (None | Some('"'), '$') => {
                let mut name = String::new();
                while let Some(letter) = rest.next_if(char::is_ascii_uppercase) {
                    name.push(letter);
                }
                word.push_str(variables.get(&name).unwrap_or_else(|| panic!("{command}: ${name} is not set")));
            }
            (None, ' ') => words.push(std::mem::take(&mut word)),
            (_, text) => word.push(text),
        }
    }
    words.push(word);
    words
}

/// Whether `text` is like `pattern`, in which each `…` stands for any text without a quote.
fn is_like(pattern: &str, text: &str) -> bool {
    let Some((before, after)) = pattern.split_once('…') else { return pattern == text };
    let Some(text) = text.strip_prefix(before) else { return false };
    let end = text.find('"').unwrap_or(text.len());
    end > 0 && is_like(after, &text[end..])
}

#[test]
fn commands_are_read_as_a_shell_reads_them() {
    let variables = HashMap::from([("T".to_owned(), "t1".to_owned())]);
    let read = words(r#"curl -H "A: $T" -d '{"a": "'$T'", "b": "$T"}' http://127.0.0.1:3000/"#, &variables);
    assert_eq!(read, ["curl", "-H", "A: t1", "-d", r#"{"a": "t1", "b": "$T"}"#, "http://127.0.0.1:3000/"]);
    assert!(is_like(r#"{"a":"…","b":"…"}"#, r#"{"a":"1","b":"2"}"#));
    assert!(!is_like(r#"{"a":"…"}"#, r#"{"a":""}"#) && !is_like(r#"{"a":"…"}"#, r#"{"a":"1","b":"2"}"#));
}
