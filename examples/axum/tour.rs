//! The tour: every call that a platform makes, in the order in which they build on each other. It is printed as commands
//! for a shell, and the page at `/` makes the same calls.

use serde::Serialize;

/// A platform, or a part of what it asks.
#[derive(Serialize)]
pub(crate) struct Chapter {
    pub(crate) title: &'static str,
    /// Who the platform is, what it asks, and why.
    pub(crate) text: &'static str,
    pub(crate) calls: &'static [Call],
}

/// A call. In its path, its headers and its body `$NAME` stands for a value that an earlier call has kept.
#[derive(Serialize)]
pub(crate) struct Call {
    /// What the call is for, and why it is answered as it is.
    pub(crate) text: &'static str,
    pub(crate) method: &'static str,
    pub(crate) path: &'static str,
    pub(crate) headers: &'static [(&'static str, &'static str)],
    /// The body. A call without a body has an empty one.
    pub(crate) body: &'static str,
    /// Members of the answer that later calls need, and the names that they are kept under.
    pub(crate) keeps: &'static [(&'static str, &'static str)],
    pub(crate) status: u16,
    /// The body of the answer. `…` stands for text that differs each time.
    pub(crate) answer: &'static str,
}

const fn get(path: &'static str) -> Call {
    Call { text: "", method: "GET", path, headers: &[], body: "", keeps: &[], status: 200, answer: "" }
}

const fn post(path: &'static str, body: &'static str) -> Call {
    Call { method: "POST", body, ..get(path) }
}

/// `demo-server:demo-secret` in base64.
const SERVER_KEY: (&str, &str) = ("Server-Key", "ZGVtby1zZXJ2ZXI6ZGVtby1zZWNyZXQ=");
/// `demo-app:demo-app-secret` in base64.
const APP_KEY: (&str, &str) = ("App-Key", "ZGVtby1hcHA6ZGVtby1hcHAtc2VjcmV0");

const OK: &str = r#"{"status":200,"error":{"code":"","message":"","field":""},"data":{}}"#;
const INVALID: &str = r#"{"status":401,"error":{"code":"40103","message":"Token is invalid","field":""},"data":{}}"#;
const TOKENS: &str = r#"{"status":200,"error":{"code":"","message":"","field":""},"data":{"accessToken":"…","accessTokenExpiry":…,"refreshToken":"…","refreshTokenExpiry":…,"user":{"userID":"…","xcUserID":"287","fullname":"Demo User","imageURL":{"thumbnail":"","fullsize":""},"username":"","email":"","phone":""}}}"#;

pub(crate) const CHAPTERS: &[Chapter] = &[
    Chapter {
        title: "Your app",
        text: "This is a web app with routes of its own. Three platforms ask it whether a credential is good, each in its \
            own way. tower-verify answers their calls; every other request reaches the app as before.",
        calls: &[Call { text: "A route of the app. No platform is involved.", answer: "the app", ..get("/app") }],
    },
    Chapter {
        title: "Talkdesk",
        text: "Talkdesk is a call centre. A customer who connects it with your product fills in a user name and a password \
            for the product. Talkdesk sends them to you and asks whether they are right. If so, you answer with values \
            of your choice. Talkdesk stores them and sends them with each later call, so that you know whose call it is.",
        calls: &[
            Call {
                text: "The right password. The answer has the values that Talkdesk stores.",
                answer: r#"{"login_id":12,"token":"123456789"}"#,
                ..post("/auth", r#"{"auth":{"username":"demo@example.com","password":"605b32dd"}}"#)
            },
            Call {
                text: "A wrong password. Talkdesk reads the status 401 as no.",
                status: 401,
                answer: r#"{"error":"access_denied","error_description":"the credentials are not valid"}"#,
                ..post("/auth", r#"{"auth":{"username":"demo@example.com","password":"wrong"}}"#)
            },
            Call {
                text: "A request of another form than Talkdesk documents. Your code is not asked.",
                status: 400,
                answer: r#"{"error":"invalid_request","error_description":"`auth` is missing"}"#,
                ..post("/auth", r#"{"user":"demo@example.com"}"#)
            },
            Call {
                text: "A later call, with the stored values. A guard checks them, and the app's own route answers.",
                answer: r#"{"agents":[{"email":"demo@example.com","id":"1","name":"Demo Agent"}]}"#,
                ..post("/agent_sync", r#"{"auth":{"username":"demo@example.com","login_id":12,"token":"123456789"}}"#)
            },
            Call {
                text: "A later call with a made-up value. It does not reach the route.",
                status: 401,
                answer: r#"{"error":"access_denied","error_description":"the credentials are not valid"}"#,
                ..post("/agent_sync", r#"{"auth":{"username":"demo@example.com","login_id":12,"token":"wrong"}}"#)
            },
        ],
    },
    Chapter {
        title: "Diyalog, for customers",
        text: "Diyalog is a chat inside a bank's mobile app. It does not know the bank's customers. So the bank logs its \
            customer in, makes a token for this customer and this device, and the app hands it to Diyalog. Diyalog then \
            asks the bank whether the token is good. The answer is one word, always with the status 200, and \
            `Validated` alone lets the customer in.",
        calls: &[
            Call {
                text: "The app's own login, which makes the token. It is good for five minutes.",
                keeps: &[("CUSTOMER_TOKEN", "dlgToken")],
                answer: r#"{"dlgToken":"…"}"#,
                ..post("/login/customer", r#"{"customerNo":"1234567","deviceId":"123456789aacaaca"}"#)
            },
            Call {
                text: "Diyalog asks about it.",
                answer: "Validated",
                ..post(
                    "/checkauthtoken",
                    r#"{"deviceId":"123456789aacaaca","dlgToken":"$CUSTOMER_TOKEN","customerNo":"1234567"}"#,
                )
            },
            Call {
                text: "The token was copied to another device.",
                answer: "InvalidDeviceId",
                ..post(
                    "/checkauthtoken",
                    r#"{"deviceId":"another","dlgToken":"$CUSTOMER_TOKEN","customerNo":"1234567"}"#,
                )
            },
            Call {
                text: "Another customer uses it.",
                answer: "InvalidToken",
                ..post(
                    "/checkauthtoken",
                    r#"{"deviceId":"123456789aacaaca","dlgToken":"$CUSTOMER_TOKEN","customerNo":"another"}"#,
                )
            },
            Call {
                text: "A part of the question is missing.",
                answer: "BadRequest",
                ..post("/checkauthtoken", r#"{"dlgToken":"$CUSTOMER_TOKEN"}"#)
            },
        ],
    },
    Chapter {
        title: "Diyalog, for agents",
        text: "The bank's agents open Diyalog in an iframe of the bank's own page. The address of the iframe carries a \
            token for this agent and this session, and Diyalog asks whether it is good. Only `\"success\":true` lets the \
            agent in. The page /agent_case shows the iframe.",
        calls: &[
            Call {
                text: "The app's own login, which makes the session and the token.",
                keeps: &[("AGENT_SESSION", "sessionId"), ("AGENT_TOKEN", "token")],
                answer: r#"{"sessionId":"…","token":"…"}"#,
                ..post("/login/agent", r#"{"userNo":"45186"}"#)
            },
            Call {
                text: "Diyalog asks about it.",
                answer: r#"{"success":true,"result":"agent 45186 verified"}"#,
                ..get("/CheckToken?sessionId=$AGENT_SESSION&token=$AGENT_TOKEN&userNo=45186")
            },
            Call {
                text: "A token that the app did not make.",
                answer: r#"{"success":false,"errorMessage":"token not valid","result":"InvalidToken"}"#,
                ..get("/CheckToken?sessionId=$AGENT_SESSION&token=wrong&userNo=45186")
            },
            Call {
                text: "No token at all.",
                answer: r#"{"success":false,"errorMessage":"`token` must be given and not empty","result":"BadRequest"}"#,
                ..get("/CheckToken?sessionId=$AGENT_SESSION&userNo=45186")
            },
        ],
    },
    Chapter {
        title: "TapTalk.io: the ticket",
        text: "TapTalk.io is a chat for apps. Your backend asks a ticket server for a ticket on behalf of a user, and the \
            user's app exchanges the ticket for tokens. Here the app is the ticket server, too. The HTTP status is 200 \
            for good and bad answers: the real status is in the body, where TapTalk's clients look for it.",
        calls: &[
            Call {
                text: "A backend asks for a ticket. The server key proves that it is a backend that may.",
                headers: &[SERVER_KEY],
                keeps: &[("TICKET", "ticket")],
                answer: r#"{"status":200,"error":{"code":"","message":"","field":""},"data":{"userID":"…","ticket":"…"}}"#,
                ..post(
                    "/v1/server/auth_ticket/request",
                    r#"{"userIPAddress":"203.0.113.7","userAgent":"curl","userPlatform":"web","userDeviceID":"1","xcUserID":"287","fullName":"Demo User"}"#,
                )
            },
            Call {
                text: "A required parameter is missing: number 105 of TapTalk's list.",
                headers: &[SERVER_KEY],
                answer: r#"{"status":400,"error":{"code":"40002","message":"Param 'xcUserID' is required","field":"105"},"data":{}}"#,
                ..post(
                    "/v1/server/auth_ticket/request",
                    r#"{"userIPAddress":"203.0.113.7","userAgent":"curl","userPlatform":"web","userDeviceID":"1","fullName":"Demo User"}"#,
                )
            },
            Call {
                text: "There is no server key.",
                answer: r#"{"status":400,"error":{"code":"40001","message":"Request headers are required (Server-Key)","field":""},"data":{}}"#,
                ..post("/v1/server/auth_ticket/request", "{}")
            },
        ],
    },
    Chapter {
        title: "TapTalk.io: the tokens",
        text: "The app on the user's phone has the ticket. It exchanges it for two tokens: the access token proves who the \
            user is, and the refresh token gets new ones when that has expired.",
        calls: &[
            Call {
                text: "The exchange.",
                headers: &[("Authorization", "Bearer $TICKET"), APP_KEY],
                keeps: &[("ACCESS", "accessToken"), ("REFRESH", "refreshToken")],
                answer: TOKENS,
                ..post("/v1/auth/access_token/request", "")
            },
            Call {
                text: "A ticket is good once.",
                headers: &[("Authorization", "Bearer $TICKET"), APP_KEY],
                answer: INVALID,
                ..post("/v1/auth/access_token/request", "")
            },
            Call {
                text: "The app asks whether its access token is still good.",
                headers: &[("Authorization", "Bearer $ACCESS")],
                answer: OK,
                ..get("/connect?check=1")
            },
            Call {
                text: "New tokens for the refresh token.",
                headers: &[("Authorization", "Bearer $REFRESH")],
                answer: TOKENS,
                ..post("/v1/auth/access_token/refresh", "")
            },
            Call {
                text: "The same again, as a phone does that has lost the answer. Within ten seconds the answer is the same; \
                    later it would be taken for theft, and the user logged out.",
                headers: &[("Authorization", "Bearer $REFRESH")],
                answer: TOKENS,
                ..post("/v1/auth/access_token/refresh", "")
            },
            Call {
                text: "The user logs out.",
                headers: &[("Authorization", "Bearer $ACCESS"), APP_KEY],
                answer: OK,
                ..post("/v1/client/logout", "")
            },
            Call {
                text: "From now on the access token is refused,",
                headers: &[("Authorization", "Bearer $ACCESS")],
                answer: INVALID,
                ..get("/connect?check=1")
            },
            Call {
                text: "and so is the refresh token.",
                headers: &[("Authorization", "Bearer $REFRESH")],
                answer: INVALID,
                ..post("/v1/auth/access_token/refresh", "")
            },
            Call {
                text: "The first call of TapTalk's web SDK: it asks for the app's settings.",
                headers: &[("Authorization", ""), APP_KEY],
                answer: r#"{"status":200,"error":{"code":"","message":"","field":""},"data":{"core":{},"project":{},"custom":{}}}"#,
                ..post("/v1/client/project_configs", "")
            },
        ],
    },
    Chapter {
        title: "TapTalk.io: your own app fetches its ticket",
        text: "If TapTalk runs the ticket server, you need this part alone. A user logs in to your app. The app asks your \
            backend for a ticket, and the backend asks TapTalk. The server key never leaves the backend.",
        calls: &[
            Call {
                text: "The app's own login.",
                keeps: &[("SESSION", "session")],
                answer: r#"{"session":"…"}"#,
                ..post("/login", r#"{"username":"demo@example.com","password":"605b32dd"}"#)
            },
            Call {
                text: "The app fetches a ticket for whoever is logged in.",
                headers: &[("Authorization", "Bearer $SESSION")],
                answer: r#"{"userID":"…","ticket":"…"}"#,
                ..post("/taptalk/auth_ticket", r#"{"userPlatform":"ios","userDeviceID":"7"}"#)
            },
            Call {
                text: "Nobody is logged in.",
                status: 401,
                answer: r#"{"error":"invalid_token","error_description":"it is not known who is asking"}"#,
                ..post("/taptalk/auth_ticket", r#"{"userPlatform":"ios","userDeviceID":"7"}"#)
            },
        ],
    },
];
