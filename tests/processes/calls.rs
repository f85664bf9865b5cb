//! The calls that the platforms and the app's own users make.

use http::Request;
use http_body_util::{BodyExt, Full};
use serde_json::{Value, json};

use crate::{
    answer::{Answer, Said},
    cluster::Node,
};

/// `demo-server:demo-secret` in base64.
const SERVER_KEY: &str = "ZGVtby1zZXJ2ZXI6ZGVtby1zZWNyZXQ=";
/// `demo-app:demo-app-secret` in base64.
pub(crate) const APP_KEY: &str = "ZGVtby1hcHA6ZGVtby1hcHAtc2VjcmV0";
/// `demo-app:guess` in base64.
pub(crate) const WRONG_APP_KEY: &str = "ZGVtby1hcHA6Z3Vlc3M=";

pub(crate) const USERNAME: &str = "demo@example.com";
pub(crate) const PASSWORD: &str = "605b32dd";

/// An agent's session and its token.
pub(crate) struct AgentSession {
    session_id: String,
    token: String,
}

impl Node {
    async fn call(&self, method: &str, path: &str, headers: &[(&str, &str)], body: String) -> Answer {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = self.client.request(request.body(Full::from(body)).unwrap()).await.expect("no response");
        let (head, body) = response.into_parts();
        let body = body.collect().await.expect("the response broke off").to_bytes();
        let body = String::from_utf8(body.into()).expect("the response is not UTF-8");
        Answer { status: head.status.as_u16(), headers: head.headers, body }
    }

    async fn post(&self, path: &str, headers: &[(&str, &str)], body: Value) -> Answer {
        self.call("POST", path, &[&[("content-type", "application/json")], headers].concat(), body.to_string()).await
    }

    /// Requests a ticket, as a backend does.
    pub(crate) async fn ticket(&self, user: &str) -> Said {
        let parameters = json!({
            "userIPAddress": "203.0.113.7", "userAgent": "okhttp/4.9.1", "userPlatform": "android",
            "userDeviceID": "7a6c", "xcUserID": user, "fullName": "Ann Example",
        });
        self.post("/v1/server/auth_ticket/request", &[("server-key", SERVER_KEY)], parameters).await.taptalk()
    }

    /// Exchanges a ticket for tokens, as an app does.
    pub(crate) async fn exchange(&self, ticket: &str, app_key: &str) -> Said {
        let authorization = format!("Bearer {ticket}");
        let headers = [("authorization", authorization.as_str()), ("app-key", app_key)];
        self.call("POST", "/v1/auth/access_token/request", &headers, String::new()).await.taptalk()
    }

    /// Checks an access token, as an app does.
    pub(crate) async fn check(&self, access_token: &str) -> Said {
        let authorization = format!("Bearer {access_token}");
        self.call("GET", "/connect?check=1", &[("authorization", &authorization)], String::new()).await.taptalk()
    }

    /// Logs a customer in to the app, and returns the customer's Diyalog token.
    pub(crate) async fn customer_token(&self, customer_no: &str, device_id: &str) -> String {
        let login = json!({"customerNo": customer_no, "deviceId": device_id});
        let answer = self.post("/login/customer", &[], login).await;
        text(&answer, "dlgToken")
    }

    /// Checks a customer's token, as Diyalog does.
    pub(crate) async fn customer(&self, token: &str, customer_no: &str, device_id: &str) -> Said {
        let question = json!({"dlgToken": token, "customerNo": customer_no, "deviceId": device_id});
        self.post("/checkauthtoken", &[], question).await.diyalog_customer()
    }

    /// Logs an agent in to the app.
    pub(crate) async fn agent_session(&self, user_no: &str) -> AgentSession {
        let answer = self.post("/login/agent", &[], json!({"userNo": user_no})).await;
        AgentSession { session_id: text(&answer, "sessionId"), token: text(&answer, "token") }
    }

    /// Checks an agent's token, as Diyalog does.
    pub(crate) async fn agent(&self, AgentSession { session_id, token }: &AgentSession, user_no: &str) -> Said {
        let path = format!("/CheckToken?sessionId={session_id}&token={token}&userNo={user_no}");
        self.call("GET", &path, &[], String::new()).await.diyalog_agent()
    }

    /// Checks the credentials of an activation, as Talkdesk does.
    pub(crate) async fn talkdesk(&self, username: &str, password: &str) -> Said {
        let question = json!({"auth": {"username": username, "password": password}});
        self.post("/auth", &[], question).await.talkdesk()
    }

    /// Logs a user in to the app, and returns the session.
    pub(crate) async fn session(&self) -> String {
        let answer = self.post("/login", &[], json!({"username": USERNAME, "password": PASSWORD})).await;
        text(&answer, "session")
    }

    /// Asks the app for a ticket for the user of this session, and returns the status.
    pub(crate) async fn ticket_for_session(&self, session: &str) -> u16 {
        let authorization = format!("Bearer {session}");
        let device = json!({"userPlatform": "ios", "userDeviceID": "7"});
        let headers = [("authorization", authorization.as_str()), ("user-agent", "Acme/1.0")];
        self.post("/taptalk/auth_ticket", &headers, device).await.status
    }
}

fn text(answer: &Answer, member: &str) -> String {
    let json: Value = serde_json::from_str(&answer.body).unwrap_or_else(|_| panic!("{answer:?}"));
    json[member].as_str().unwrap_or_else(|| panic!("{answer:?}")).to_owned()
}
