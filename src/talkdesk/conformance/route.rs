use crate::conformance::Expected;

/// The routes, those first that change nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Route {
    Agents,
    Contacts,
    Activity,
    Action,
}

impl Route {
    pub(super) fn row(self) -> &'static str {
        match self {
            Self::Contacts => "TD-20",
            Self::Agents => "TD-21",
            Self::Activity => "TD-22",
            Self::Action => "TD-23",
        }
    }

    /// The documented calls: the name of each, and what is beside `auth`. The first one stands for the route.
    pub(super) fn calls(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Contacts => &[
                ("contact synchronization", r#","meta":{}"#),
                (
                    "contact synchronization since the last one",
                    r#","meta":{"synchronization_checkpoint":"${contacts.synchronization_checkpoint}"}"#,
                ),
                ("contact synchronization, the next page", r#","meta":{"offset":"${contacts.next_offset}"}"#),
                ("contact synchronization with its context", r#","meta":{"context":"${contacts.context}"}"#),
            ],
            Self::Agents => &[
                ("agent synchronization", r#","meta":{"offset":null}"#),
                ("agent synchronization without an offset", r#","meta":{}"#),
                ("agent synchronization without `meta`", ""),
                ("agent synchronization, the next page", r#","meta":{"offset":1}"#),
            ],
            Self::Activity => &[
                (
                    "contact activity",
                    r#","meta":{"interaction_types":["ticket"]},"data":{"contact_external_id":"1","contact_name":"Conformance Test","contact_emails":["conformance@example.com"],"contact_phones":["+442079460000"]}"#,
                ),
                (
                    "contact activity of an unknown contact",
                    r#","meta":{"interaction_types":[]},"data":{"contact_name":"Conformance Test","contact_emails":[],"contact_phones":[]}"#,
                ),
            ],
            Self::Action => &[
                (
                    "an action",
                    r#","meta":{"contact_external_id":"1","agent_external_id":"1"},"data":{"subject":"Conformance test","description":"A test."}"#,
                ),
                (
                    "an action for no contact",
                    r#","meta":{},"data":{"subject":"Conformance test","description":"A test."}"#,
                ),
            ],
        }
    }

    /// The members of an answer that later calls send back.
    pub(super) fn kept(self) -> &'static [&'static str] {
        match self {
            Self::Contacts => &["synchronization_checkpoint", "next_offset", "context"],
            _ => &[],
        }
    }

    /// The members beside a good `auth`.
    pub(super) fn rest(self) -> &'static str {
        self.calls()[0].1
    }

    /// The answer to a good call. It may repeat what was sent, such as a user name.
    pub(super) fn answer(self) -> Expected {
        let json = |pattern| Expected::status(200).content_type("application/json").json(pattern);
        let answer = match self {
            Self::Contacts => json(
                r#"{"contacts":[{"id":"<text>","name":"<string>","*":"<any>"}],"next_offset?":"<string>","synchronization_checkpoint?":"<string>","context?":"<any>"}"#,
            ),
            Self::Agents => json(
                r#"{"agents":[{"id":"<scalar>","name":"<string>","email":"<string>","*":"<any>"}],"next_offset?":"<integer>"}"#,
            ),
            Self::Activity => json(r#"["<object>"]"#),
            Self::Action => Expected::status(201).or(Expected::status(400)),
        };
        answer.admits().may_repeat_secrets()
    }
}
