//! The commands that the example prints: each can be copied into a shell, and answers what is said below it.

use std::fmt::Write;

/// What is printed: commands for the app at `url`, in the order in which they build on each other.
pub(crate) fn commands(url: &str) -> String {
    let mut text = String::new();
    for (title, commands) in
        [("the app's own route", APP), ("Talkdesk", TALKDESK), ("Diyalog", DIYALOG), ("TapTalk.io", TAPTALK)]
    {
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
        r#"TOKEN=$(curl -sS URL/login/customer -d '{"customerNo":"1234567","deviceId":"123456789aacaaca"}' | cut -d'"' -f4)"#,
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
        r#"AGENT=$(curl -sS URL/login/agent -d '{"userNo":"45186"}'); SESSION=$(echo "$AGENT" | cut -d'"' -f4); TOKEN=$(echo "$AGENT" | cut -d'"' -f8)"#,
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

// `demo-server:demo-secret` and `demo-app:demo-app-secret`, each in base64.
const TAPTALK: &[Command] = &[
    (
        r#"TICKET=$(curl -sS URL/v1/server/auth_ticket/request -H 'Server-Key: ZGVtby1zZXJ2ZXI6ZGVtby1zZWNyZXQ=' -d '{"userIPAddress":"203.0.113.7","userAgent":"curl","userPlatform":"web","userDeviceID":"1","xcUserID":"287","fullName":"Demo User"}' | sed 's/.*"ticket":"\([^"]*\)".*/\1/')"#,
        "",
    ),
    (
        r#"curl -sSw ' (%{http_code})\n' URL/v1/server/auth_ticket/request -H 'Server-Key: ZGVtby1zZXJ2ZXI6ZGVtby1zZWNyZXQ=' -d '{"userIPAddress":"203.0.113.7","userAgent":"curl","userPlatform":"web","userDeviceID":"1","fullName":"Demo User"}'"#,
        r#"{"status":400,"error":{"code":"40002","message":"Param 'xcUserID' is required","field":"105"},"data":{}} (200)"#,
    ),
    (
        r#"curl -sSw ' (%{http_code})\n' URL/v1/server/auth_ticket/request -d '{}'"#,
        r#"{"status":400,"error":{"code":"40001","message":"Request headers are required (Server-Key)","field":""},"data":{}} (200)"#,
    ),
    (
        r#"LOGIN=$(curl -sS -X POST URL/v1/auth/access_token/request -H "Authorization: Bearer $TICKET" -H 'App-Key: ZGVtby1hcHA6ZGVtby1hcHAtc2VjcmV0'); ACCESS=$(echo "$LOGIN" | sed 's/.*"accessToken":"\([^"]*\)".*/\1/'); REFRESH=$(echo "$LOGIN" | sed 's/.*"refreshToken":"\([^"]*\)".*/\1/')"#,
        "",
    ),
    (
        r#"curl -sSw ' (%{http_code})\n' -X POST URL/v1/auth/access_token/request -H "Authorization: Bearer $TICKET" -H 'App-Key: ZGVtby1hcHA6ZGVtby1hcHAtc2VjcmV0'"#,
        r#"{"status":401,"error":{"code":"40103","message":"Token is invalid","field":""},"data":{}} (200)"#,
    ),
    (
        r#"curl -sSw ' (%{http_code})\n' 'URL/connect?check=1' -H "Authorization: Bearer $ACCESS""#,
        r#"{"status":200,"error":{"code":"","message":"","field":""},"data":{}} (200)"#,
    ),
    (
        r#"curl -sS -X POST URL/v1/auth/access_token/refresh -H "Authorization: Bearer $REFRESH" | grep -o '"fullname":"[^"]*"'"#,
        r#""fullname":"Demo User""#,
    ),
    (
        r#"curl -sS -X POST URL/v1/auth/access_token/refresh -H "Authorization: Bearer $REFRESH" | grep -o '"fullname":"[^"]*"'"#,
        r#""fullname":"Demo User""#,
    ),
    (
        r#"curl -sSw ' (%{http_code})\n' -X POST URL/v1/client/logout -H "Authorization: Bearer $ACCESS" -H 'App-Key: ZGVtby1hcHA6ZGVtby1hcHAtc2VjcmV0'"#,
        r#"{"status":200,"error":{"code":"","message":"","field":""},"data":{}} (200)"#,
    ),
    (
        r#"curl -sSw ' (%{http_code})\n' 'URL/connect?check=1' -H "Authorization: Bearer $ACCESS""#,
        r#"{"status":401,"error":{"code":"40103","message":"Token is invalid","field":""},"data":{}} (200)"#,
    ),
    (
        r#"curl -sSw ' (%{http_code})\n' -X POST URL/v1/auth/access_token/refresh -H "Authorization: Bearer $REFRESH""#,
        r#"{"status":401,"error":{"code":"40103","message":"Token is invalid","field":""},"data":{}} (200)"#,
    ),
    (r#"SESSION=$(curl -sS URL/login -d '{"username":"demo@example.com","password":"605b32dd"}' | cut -d'"' -f4)"#, ""),
    (
        r#"curl -sS URL/taptalk/auth_ticket -H "Authorization: Bearer $SESSION" -d '{"userPlatform":"ios","userDeviceID":"7"}' | sed 's/:"[^"]*"/:"…"/g'"#,
        r#"{"userID":"…","ticket":"…"}"#,
    ),
    (
        r#"curl -sSw ' (%{http_code})\n' URL/taptalk/auth_ticket -d '{"userPlatform":"ios","userDeviceID":"7"}'"#,
        r#"{"error":"invalid_token","error_description":"it is not known who is asking"} (401)"#,
    ),
    (
        r#"curl -sSw ' (%{http_code})\n' -X POST URL/v1/client/project_configs -H 'Authorization;' -H 'App-Key: ZGVtby1hcHA6ZGVtby1hcHAtc2VjcmV0'"#,
        r#"{"status":200,"error":{"code":"","message":"","field":""},"data":{"core":{},"project":{},"custom":{}}} (200)"#,
    ),
];
