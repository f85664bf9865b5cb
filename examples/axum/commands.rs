//! The commands that the example prints: each can be copied into a shell, and answers what is said below it.

use std::fmt::Write;

/// What is printed: commands for the app at `url`, in the order in which they build on each other.
pub(crate) fn commands(url: &str) -> String {
    let mut text = String::new();
    for (title, commands) in [("the app's own route", APP), ("Talkdesk", TALKDESK), ("Diyalog", DIYALOG)] {
        let _ = writeln!(text, "\n# {title}");
        for (command, answer) in commands {
            let _ = writeln!(text, "{}", command.replace("URL", url));
            if !answer.is_empty() {
                let _ = writeln!(text, "# answers: {answer}");
            }
        }
    }
    text.push_str("\n# End of the commands. Ctrl-C stops the app.");
    text
}

/// A command, and its answer if it prints one. `URL` stands for the app's.
type Command = (&'static str, &'static str);

const APP: &[Command] = &[(r"curl -sSw ' (%{http_code})\n' URL/", "the app (200)")];

const TALKDESK: &[Command] = &[
    (
        r#"curl -sSw ' (%{http_code})\n' URL/auth -d '{"auth":{"username":"demo@example.com","password":"605b32dd"}}'"#,
        r#"{"login_id":12,"token":"123456789"} (200)"#,
    ),
    (
        r#"curl -sSw ' (%{http_code})\n' URL/auth -d '{"auth":{"username":"demo@example.com","password":"wrong"}}'"#,
        r#"{"error":"access_denied","error_description":"the credentials are not valid"} (401)"#,
    ),
    (
        r#"curl -sSw ' (%{http_code})\n' URL/auth -d '{"user":"demo@example.com"}'"#,
        r#"{"error":"invalid_request","error_description":"`auth` is missing"} (400)"#,
    ),
    (
        r#"curl -sSw ' (%{http_code})\n' URL/agent_sync -d '{"auth":{"username":"demo@example.com","login_id":12,"token":"123456789"}}'"#,
        r#"{"agents":[{"email":"demo@example.com","name":"Demo Agent"}]} (200)"#,
    ),
    (
        r#"curl -sSw ' (%{http_code})\n' URL/agent_sync -d '{"auth":{"username":"demo@example.com","login_id":12,"token":"wrong"}}'"#,
        r#"{"error":"access_denied","error_description":"the credentials are not valid"} (401)"#,
    ),
];

const DIYALOG: &[Command] = &[
    (
        r#"TOKEN=$(curl -sS URL/login/customer -H 'Content-Type: application/json' -d '{"customerNo":"1234567","deviceId":"123456789aacaaca"}' | cut -d'"' -f4)"#,
        "",
    ),
    (
        r#"curl -sSw ' (%{http_code})\n' URL/checkauthtoken -d '{"deviceId":"123456789aacaaca","dlgToken":"'$TOKEN'","customerNo":"1234567"}'"#,
        "Validated (200)",
    ),
    (
        r#"curl -sSw ' (%{http_code})\n' URL/checkauthtoken -d '{"deviceId":"another","dlgToken":"'$TOKEN'","customerNo":"1234567"}'"#,
        "InvalidDeviceId (200)",
    ),
    (
        r#"curl -sSw ' (%{http_code})\n' URL/checkauthtoken -d '{"deviceId":"123456789aacaaca","dlgToken":"'$TOKEN'","customerNo":"another"}'"#,
        "InvalidToken (200)",
    ),
    (r#"curl -sSw ' (%{http_code})\n' URL/checkauthtoken -d '{"dlgToken":"'$TOKEN'"}'"#, "BadRequest (200)"),
    (
        r#"AGENT=$(curl -sS URL/login/agent -H 'Content-Type: application/json' -d '{"userNo":"45186"}'); SESSION=$(echo "$AGENT" | cut -d'"' -f4); TOKEN=$(echo "$AGENT" | cut -d'"' -f8)"#,
        "",
    ),
    (
        r#"curl -sSw ' (%{http_code})\n' "URL/CheckToken?sessionId=$SESSION&token=$TOKEN&userNo=45186""#,
        r#"{"success":true,"result":"agent 45186 verified"} (200)"#,
    ),
    (
        r#"curl -sSw ' (%{http_code})\n' "URL/CheckToken?sessionId=$SESSION&token=wrong&userNo=45186""#,
        r#"{"success":false,"errorMessage":"token not valid","result":"InvalidToken"} (200)"#,
    ),
    (
        r#"curl -sSw ' (%{http_code})\n' "URL/CheckToken?sessionId=$SESSION&userNo=45186""#,
        r#"{"success":false,"errorMessage":"`token` must be given and not empty","result":"BadRequest"} (200)"#,
    ),
];
