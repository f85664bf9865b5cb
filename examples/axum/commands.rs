//! The tour as it is printed: commands that can be copied into a shell, each with what it answers below it.

use std::fmt::{self, Write};

use crate::tour::{CHAPTERS, Call};

/// The commands for the app at `url`.
pub(crate) fn commands(url: &str) -> String {
    let mut text = String::new();
    write(&mut text, url).expect("a string takes any text");
    text
}

fn write(text: &mut String, url: &str) -> fmt::Result {
    comment(
        text,
        "Copy the commands into a shell, from top to bottom: some of them need a value that an earlier one has kept. The \
            number in brackets is the HTTP status. The same calls can be made by clicking:",
    )?;
    writeln!(text, "# {url}/")?;
    for chapter in CHAPTERS {
        writeln!(text, "\n# == {}", chapter.title)?;
        comment(text, chapter.text)?;
        for call in chapter.calls {
            writeln!(text)?;
            comment(text, call.text)?;
            writeln!(text, "{}\n# answers: {} ({})", command(call, url)?, call.answer, call.status)?;
        }
    }
    write!(text, "\n# End of the commands. Ctrl-C stops the app.")
}

/// Writes `words` as comments of at most 110 characters a line.
fn comment(text: &mut String, words: &str) -> fmt::Result {
    let mut line = String::from("#");
    for word in words.split_whitespace() {
        if line.len() + word.len() > 109 {
            writeln!(text, "{line}")?;
            line.truncate(1);
        }
        write!(line, " {word}")?;
    }
    writeln!(text, "{line}")
}

/// The command that makes `call` and prints its answer.
fn command(call: &Call, url: &str) -> Result<String, fmt::Error> {
    let mut curl = String::from(r"curl -sSw ' (%{http_code})\n'");
    if call.method != "GET" && call.body.is_empty() {
        write!(curl, " -X {}", call.method)?;
    }
    let address = format!("{url}{}", call.path);
    if call.path.contains(['?', '&', '$']) {
        write!(curl, r#" "{address}""#)?;
    } else {
        write!(curl, " {address}")?;
    }
    for (name, value) in call.headers {
        match *value {
            // With a colon, curl would leave the header out.
            "" => write!(curl, " -H '{name};'")?,
            value if value.contains('$') => write!(curl, r#" -H "{name}: {value}""#)?,
            value => write!(curl, " -H '{name}: {value}'")?,
        }
    }
    if !call.body.is_empty() {
        write!(curl, " -d '{}'", unquoted_variables(call.body))?;
    }
    if call.keeps.is_empty() {
        return Ok(curl);
    }
    let mut command = format!("ANSWER=$({curl})");
    for (name, member) in call.keeps {
        write!(command, r#"; {name}=$(echo "$ANSWER" | sed 's/.*"{member}":"\([^"]*\)".*/\1/')"#)?;
    }
    Ok(command + r#"; echo "$ANSWER""#)
}

/// The text of a body with its variables outside of the single quotes around it, where a shell fills them in.
fn unquoted_variables(body: &str) -> String {
    let mut parts = body.split('$');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(|letter: char| !matches!(letter, 'A'..='Z' | '_')).unwrap_or(part.len());
        let (name, rest) = part.split_at(end);
        text.push_str(&format!("'${name}'{rest}"));
    }
    text
}
