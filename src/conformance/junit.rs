//! JUnit's XML. It has no schema of its own: this is the part that CI systems agree on.

use std::fmt::{self, Write};

use super::Report;

pub(super) fn write(report: &Report) -> String {
    let mut xml = String::new();
    write_suite(&mut xml, report).expect("a string takes any text");
    xml
}

fn write_suite(xml: &mut String, report: &Report) -> fmt::Result {
    let suite = Escaped(report.suite());
    let counts = format!(
        r#"tests="{}" failures="{}" errors="0" skipped="{}""#,
        report.findings().len(),
        report.failed().count(),
        report.skipped().count()
    );
    writeln!(xml, r#"<?xml version="1.0" encoding="UTF-8"?>"#)?;
    writeln!(xml, "<testsuites {counts}>\n<testsuite name=\"{suite}\" {counts}>")?;
    for finding in report.findings() {
        let (row, name) = (Escaped(finding.row()), Escaped(finding.name()));
        write!(xml, r#"<testcase classname="{suite}" name="{row} {name}""#)?;
        if let Some(failure) = finding.failure() {
            let message = finding.violations().join("; ");
            let (message, text) = (Escaped(&message), failure.to_string());
            writeln!(xml, ">\n<failure message=\"{message}\">{}</failure>\n</testcase>", Escaped(&text))?;
        } else if let Some(reason) = finding.skip_reason() {
            writeln!(xml, ">\n<skipped message=\"{}\"/>\n</testcase>", Escaped(reason))?;
        } else {
            writeln!(xml, "/>")?;
        }
    }
    writeln!(xml, "</testsuite>\n</testsuites>")
}

/// Text for an element or an attribute. XML 1.0 has no way to write most control characters: they become U+FFFD.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for letter in self.0.chars() {
            match letter {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\n' | '\t' => write!(f, "&#{};", u32::from(letter))?,
                '\0'..' ' | '\u{fffe}' | '\u{ffff}' => f.write_char('\u{fffd}')?,
                letter => f.write_char(letter)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped() {
        assert_eq!(
            Escaped("<a b=\"c\">&\n\u{0}\u{ffff}é").to_string(),
            "&lt;a b=&quot;c&quot;&gt;&amp;&#10;\u{fffd}\u{fffd}é"
        );
    }
}
