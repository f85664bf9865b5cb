//! The SDKs' requests to open the chat's socket.

use base64::{Engine, prelude::BASE64_STANDARD};
use http::Method;

use super::envelope::not_opened;
use crate::{
    conformance::{Call, Check, Expected, traps},
    taptalk::KeyRefusal,
};

/// The web SDK's query, in its order.
const QUERY: &[(&str, &str)] = &[
    ("content_type", "application%2Fjson"),
    ("app_key", "${app_key.base64}"),
    ("authorization", "Bearer%20${access_token}"),
    ("device_identifier", "${device_identifier}"),
    ("device_model", "conformance"),
    ("device_platform", "web"),
];

pub(super) fn checks(path: &str) -> Vec<Check> {
    let calls = Calls { path };
    [
        calls.opened(),
        calls.bearers(),
        calls.authorizations_in_the_query(),
        calls.tokens(),
        calls.app_keys(),
        calls.devices(),
        calls.no_verdicts(),
        calls.no_upgrades(),
    ]
    .concat()
}

struct Calls<'a> {
    path: &'a str,
}

impl Calls<'_> {
    /// An upgrade as the Android and iOS SDKs ask for it, with this `Authorization`.
    fn by_headers(&self, authorization: &str) -> Call {
        self.without_authorization().header("authorization", authorization)
    }

    fn without_authorization(&self) -> Call {
        self.bare()
            .header("app-key", "${app_key|base64}")
            .header("device-identifier", "${device_identifier}")
            .header("device-platform", "android")
    }

    /// An upgrade as the web SDK asks for it, from a page of another origin.
    fn by_query(&self, query: &str) -> Call {
        let call = self.bare().target(format!("{}?{query}", self.path));
        call.header("origin", "https://app.example.com")
    }

    /// The web SDK's upgrade with another value of one parameter.
    fn with_parameter(&self, name: &str, value: &str) -> Call {
        let replaced = QUERY.iter().map(|(known, good)| (*known, if *known == name { value } else { good }));
        self.by_query(&traps::query(&replaced.collect::<Vec<_>>()))
    }

    fn bare(&self) -> Call {
        Call::get(self.path).websocket(key(0))
    }

    fn good(&self) -> Call {
        self.by_headers("Bearer ${access_token}")
    }

    /// The handshakes differ in their keys, so that no remembered `Sec-WebSocket-Accept` is right.
    fn opened(&self) -> Vec<Check> {
        let firefox = self.good().without_header("connection").without_header("upgrade");
        let firefox = firefox.header("connection", "keep-alive, Upgrade").header("upgrade", "WebSocket");
        let calls = [
            ("the web SDK opens the socket", self.by_query(&traps::query(QUERY))),
            ("the Android and iOS SDKs open the socket", self.good()),
            ("the same token opens another socket", self.good()),
            ("an upgrade as Firefox spells it", firefox),
        ]
        .map(|(name, call)| (name.to_owned(), call));
        let variations = traps::query_variations(QUERY).into_iter();
        let variations = variations.map(|trap| (format!("the web SDK: {}", trap.name), self.by_query(&trap.text)));
        let numbered = calls.into_iter().chain(variations).zip(1..);
        let check = |((name, call), number): ((String, Call), u8)| {
            let call = call.without_header("sec-websocket-key").header("sec-websocket-key", key(number));
            Check::new("TT-12", name, call, Expected::websocket(key(number)).admits())
        };
        numbered.map(check).collect()
    }

    /// Upgrades whose `Authorization` is not one bearer token that somebody was given.
    fn bearers(&self) -> Vec<Check> {
        let (none, good) = (self.without_authorization(), "Bearer ${access_token}");
        let with = |value| self.by_headers(value);
        let mut checks =
            vec![Check::new("TT-8", "a refusal is not stored", none.clone(), not_opened(&["40101"]).not_stored())];
        for (row, name, call, code) in [
            ("TT-40101", "an upgrade without Authorization", none, "40101"),
            ("TT-40101", "an upgrade with an empty Authorization", with(""), "40101"),
            ("TT-40101", "an upgrade with another scheme", with("Basic ${access_token}"), "40102"),
            ("TT-40101", "an upgrade with a token alone", with("${access_token}"), "40102"),
            ("TT-40101", "an upgrade with two tokens", with("Bearer ${access_token} ${access_token}"), "40102"),
            ("TT-40101", "an upgrade with two headers", with(good).header("authorization", good), "40102"),
            ("TT-40103", "an upgrade with a made-up token", with("Bearer made-up"), "40103"),
            ("TT-40103", "an upgrade with a part of the token", with("Bearer ${access_token.shorter}"), "40103"),
            ("TT-40103", "an upgrade with the token in another case", with("Bearer ${access_token.swapped}"), "40103"),
            ("TT-40103", "an upgrade with a longer token", with("Bearer ${access_token}x"), "40103"),
        ] {
            checks.push(Check::new(row, name, call, not_opened(&[code])));
        }
        // The endpoint of the check leaves upgrades to the guard, whatever their query says.
        for (name, call, code) in [
            ("an upgrade that says `check=1` without Authorization", self.without_authorization(), "40101"),
            ("an upgrade that says `check=1` with a made-up token", self.by_headers("Bearer made-up"), "40103"),
        ] {
            let call = call.target(format!("{}?check=1", self.path));
            checks.push(Check::new("TT-12", name, call, not_opened(&[code])));
        }
        checks
    }

    fn authorizations_in_the_query(&self) -> Vec<Check> {
        let traps =
            traps::parameter(QUERY, "authorization").into_iter().map(|trap| (trap.name, self.by_query(&trap.text)));
        let queries = traps::queries(QUERY).into_iter().map(|trap| (trap.name, self.by_query(&trap.text)));
        let (query, header) = (traps::query(QUERY), "Bearer ${access_token}");
        let twice = [
            ("Authorization in the query and in a header", self.by_query(&query).header("authorization", header)),
            (
                "a made-up token in the query, and a good one in a header",
                self.with_parameter("authorization", "Bearer%20made-up").header("authorization", header),
            ),
            (
                "a good token in the query, and a made-up one in a header",
                self.by_query(&query).header("authorization", "Bearer made-up"),
            ),
            ("another scheme in the query", self.with_parameter("authorization", "Basic%20${access_token}")),
        ]
        .map(|(name, call)| (name.to_owned(), call));
        let malformed = traps.chain(queries).chain(twice);
        let answer = || not_opened(&["40101", "40102", "40002"]);
        let mut checks: Vec<_> =
            malformed.map(|(name, call)| Check::new("TT-12", format!("the web SDK: {name}"), call, answer())).collect();
        let made_up = self.with_parameter("authorization", "Bearer%20made-up");
        checks.push(Check::new("TT-12", "the web SDK: a made-up token", made_up, not_opened(&["40103"])));
        checks
    }

    /// Tokens that were given to somebody, and open nothing.
    fn tokens(&self) -> Vec<Check> {
        let mut checks = Vec::new();
        for (row, what, token, code) in [
            ("TT-40103", "a refresh token", "refresh_token", "40103"),
            ("TT-40103", "a ticket", "ticket", "40103"),
            ("TT-40103", "an expired token", "expired_access_token", "40104"),
            ("TT-4", "a token whose login has ended", "ended_access_token", "40103"),
            ("TT-40106", "a token whose user is gone", "token_of_gone_user", "40106"),
        ] {
            let by_headers = self.by_headers(&format!("Bearer ${{{token}}}"));
            let by_query = self.with_parameter("authorization", &format!("Bearer%20${{{token}}}"));
            for (form, call) in [("a header", by_headers), ("the query", by_query)] {
                checks.push(Check::new(row, format!("{what} in {form}"), call, not_opened(&[code])));
            }
        }
        checks
    }

    fn app_keys(&self) -> Vec<Check> {
        let none = self.good().without_header("app-key");
        let with = |value: &str| none.clone().header("app-key", value);
        let by_query = |value| self.with_parameter("app_key", value);
        let (good, unknown) = ("${app_key|base64}", "dW5rbm93bjpzZWNyZXQ=");
        let twice = self.by_query(&format!("{}&app_key={unknown}", traps::query(QUERY)));
        let in_both = self.by_query(&traps::query(QUERY)).header("app-key", good);
        let mut checks = Vec::new();
        for (row, name, call, codes) in [
            ("TT-49102", "two App-Keys", with(good).header("app-key", good), &["49102"][..]),
            ("TT-49102", "an App-Key that is not base64", with("demo:secret"), &["49102"]),
            ("TT-49102", "an App-Key that has no colon", with("bm8gY29sb24="), &["49102"]),
            ("TT-49102", "an unknown App-Key", with(unknown), &["49103"]),
            ("TT-49102", "a wrong secret in the App-Key", with("${app_key.shorter|base64}"), &["49103"]),
            ("TT-49102", "an unknown App-Key in the query", by_query("dW5rbm93bjpzZWNyZXQ%3D"), &["49103"]),
            ("TT-49102", "two App-Keys in the query", twice, &["49102", "40002"]),
            ("TT-49102", "an App-Key in the query and in a header", in_both, &["49102", "40002"]),
            ("TT-40105", "the App-Key of another app", with("${other_app_key|base64}"), &["40105"]),
            ("TT-40105", "the App-Key of another app in the query", by_query("${other_app_key.base64}"), &["40105"]),
        ] {
            checks.push(Check::new(row, name, call, not_opened(codes)));
        }
        for (row, name, refusal, code) in [
            ("TT-49104", "an App-Key of another platform", KeyRefusal::OtherPlatform, "49104"),
            ("TT-49106", "an expired App-Key", KeyRefusal::Expired, "49106"),
            ("TT-49201", "an App-Key that is not enabled", KeyRefusal::NotEnabled, "49201"),
            ("TT-49201", "a suspended App-Key", KeyRefusal::Suspended, "49202"),
            ("TT-49201", "an App-Key whose app is gone", KeyRefusal::WithoutOwner, "49203"),
        ] {
            let call = with(&format!("${{{}|base64}}", refusal.name()));
            checks.push(Check::new(row, name, call, not_opened(&[code])));
        }
        checks
    }

    fn devices(&self) -> Vec<Check> {
        let none = self.good().without_header("device-identifier");
        let other = none.clone().header("device-identifier", "${device_identifier}-2");
        let by_query = self.with_parameter("device_identifier", "${device_identifier}-2");
        [("another device", other), ("another device in the query", by_query), ("no device", none)]
            .map(|(name, call)| Check::new("TT-11", name, call, not_opened(&["40105"])))
            .into()
    }

    fn no_verdicts(&self) -> Vec<Check> {
        let by_headers = self.good().without_header("app-key").header("app-key", "${failing_app_key|base64}");
        let by_query = self.with_parameter("app_key", "${failing_app_key.base64}");
        [("a failing verifier", by_headers), ("the web SDK: a failing verifier", by_query)]
            .map(|(name, call)| Check::new("TT-50001", name, call, not_opened(&["50001"])))
            .into()
    }

    /// Good credentials in a request that is no upgrade (RFC 6455, section 4.2.1), or is one of something else.
    fn no_upgrades(&self) -> Vec<Check> {
        let without = |name| self.good().without_header(name);
        let other_version = without("sec-websocket-version").header("sec-websocket-version", "12");
        let requests = [
            ("no Upgrade", without("upgrade")),
            ("an Upgrade to something else", without("upgrade").header("upgrade", "h2c")),
            ("a Connection that is not upgraded", without("connection").header("connection", "keep-alive")),
            ("no Sec-WebSocket-Key", without("sec-websocket-key")),
            ("no Sec-WebSocket-Version", without("sec-websocket-version")),
            ("a Sec-WebSocket-Version that is not 13", other_version),
        ]
        .map(|(name, call)| Check::new("TT-12", name, call, Expected::not_admitted()));
        requests.into_iter().chain(traps::elsewhere("TT-12", &self.good(), [Method::POST])).collect()
    }
}

/// The `Sec-WebSocket-Key` of this number.
fn key(number: u8) -> String {
    BASE64_STANDARD.encode([number; 16])
}
