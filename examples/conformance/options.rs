//! The command line.

use std::{collections::BTreeMap, ffi::OsString, fs};

use tower_verify::BoxError;

pub(crate) const HELP: &str = "\
Plays a platform against a server, and says what the server must change.

Usage: conformance PLATFORM BASE_URL OPTIONS

  conformance talkdesk http://127.0.0.1:3000 --field username=demo@example.com --field password=605b32dd
  conformance talkdesk-later http://127.0.0.1:3000 --field login_id:=12 --field token=123456789 --agents /agent_sync
  conformance diyalog-customer http://127.0.0.1:3000 --device-id 123456789aacaaca --dlg-token TOKEN --customer-no 1234567
  conformance diyalog-agent http://127.0.0.1:3000 --session-id SESSION --dlg-token TOKEN --user-no 45186
  conformance taptalk http://127.0.0.1:3000 --server-key demo-server:demo-secret --app-key demo-app:demo-app-secret
  conformance taptalk-socket http://127.0.0.1:3000 --access-token TOKEN --app-key demo-app:demo-app-secret --device-identifier 1
  conformance taptalk-app http://127.0.0.1:3000 --authorization 'Bearer SESSION'

A value that begins with `@` is read from the file of that name. A check that needs an option that is not given is
skipped. The calls are sent as they are: use credentials of a test system. For https, build with `--features https-client`.

All platforms:
  --only ROW             run the checks of this row of the contract, or of this name, alone; can be repeated
  --json FILE            write the report as JSON
  --junit FILE           write the report as JUnit's XML
  --body-limit BYTES     the largest body that the server takes (not for diyalog-agent and taptalk-socket)
  --path PATH            another path than the documented one (not for talkdesk-later, and not for taptalk: put its
                         prefix into the URL)

talkdesk:
  --field NAME=VALUE     a good field; repeated for each. The last one is the secret that is tried in wrong forms
  --failing NAME=VALUE   a field for which the verifier fails; repeated for each
  --no-verdict-status N  the status without a verdict (401)
  --legacy-no-content    a grant is answered with 204

talkdesk-later:
  --field NAME=TEXT, --field NAME:=VALUE             a field of `auth`, a text or an integer, true or false: what was filled
                         in, and what the validator returned. The last one is the secret that is tried in wrong forms
  --failing NAME=TEXT    another value of a field, for which the verifier fails
  --contacts, --agents, --activity, --action PATH    the calls that the server serves. Good calls are executed, an action too
  --no-verdict-status N  the status without a verdict (503)

diyalog-customer, diyalog-agent:
  --device-id, --dlg-token, --customer-no            the good trio of a customer
  --session-id, --dlg-token, --user-no               the good trio of an agent; with a space in one of them, `+` is tested
  --expired-token TOKEN  a token of the same trio that has expired
  --failing A,TOKEN,NO   a trio for which the verifier fails
  --caller-secret VALUE  the `Auth-Token` that the server requires
  --older, --quoted      the older words, or JSON strings (customers)

taptalk (keys are ID:SECRET):
  --server-key, --app-key                            the good keys
  --xc-user-id ID        the user who is logged in (conformance)
  --other-app-key        another good key of an app
  --limited-app-key, --expired-app-key, --disabled-app-key, --suspended-app-key, --ownerless-app-key
                         keys that the server refuses; the limited one is not for Android
  --expired-ticket, --expired-access-token, --expired-refresh-token, --token-of-gone-user
  --failing-server-key, --failing-app-key            keys for which the verifier fails
  --throttled-server-key a key that was tried too often
  --reusable-tickets     a ticket buys tokens more than once

taptalk-socket (keys are ID:SECRET):
  --access-token, --app-key, --device-identifier     a good token, and the app and the device that it was issued to
  --other-app-key, --limited-app-key, --expired-app-key, --disabled-app-key, --suspended-app-key, --ownerless-app-key,
  --failing-app-key      as above
  --expired-access-token, --ended-access-token, --token-of-gone-user, --refresh-token, --ticket
                         tokens of the same app that open nothing; the second one's login has ended

taptalk-app:
  --authorization VALUE  the header of a user who is logged in
  --failing-authorization VALUE  one for which the backend fails

Exit code: 0 if no check failed, 1 if one did, 2 if the command or the address is wrong.";

/// Options that have no value.
const FLAGS: &[&str] = &["legacy-no-content", "older", "quoted", "reusable-tickets"];

/// The command line's arguments.
pub(crate) struct Options {
    pub(crate) platform: String,
    pub(crate) base_url: String,
    pub(crate) only: Vec<String>,
    pub(crate) json: Option<String>,
    pub(crate) junit: Option<String>,
    pub(crate) given: Given,
}

/// The options of a platform. Each is taken once; what is left is not known.
pub(crate) struct Given(BTreeMap<String, Vec<String>>);

impl Options {
    /// Reads the arguments. `None` stands for `--help`.
    pub(crate) fn parse(arguments: impl Iterator<Item = OsString>) -> Result<Option<Self>, BoxError> {
        let mut parser = lexopt::Parser::from_args(arguments);
        let (mut positional, mut given) = (Vec::new(), BTreeMap::<String, Vec<String>>::new());
        while let Some(argument) = parser.next()? {
            match argument {
                lexopt::Arg::Short('h') | lexopt::Arg::Long("help") => return Ok(None),
                lexopt::Arg::Long(name) => {
                    let name = name.to_owned();
                    let value = match FLAGS.contains(&&*name) {
                        true => String::new(),
                        false => read(&name, parser.value()?)?,
                    };
                    given.entry(name).or_default().push(value);
                }
                lexopt::Arg::Value(value) => positional.push(read("the argument", value)?),
                other => return Err(other.unexpected().into()),
            }
        }
        let [platform, base_url]: [String; 2] =
            positional.try_into().map_err(|_| "give a platform and the URL of the server")?;
        let mut given = Given(given);
        Ok(Some(Self {
            only: given.all("only"),
            json: given.one("json")?,
            junit: given.one("junit")?,
            platform,
            base_url,
            given,
        }))
    }
}

/// The text of a value, or of the file that it names. A final line break is not part of it.
fn read(name: &str, value: OsString) -> Result<String, BoxError> {
    let text = value.into_string().map_err(|_| format!("{name}: the value is not text"))?;
    match text.strip_prefix('@') {
        Some(file) => {
            let text = fs::read_to_string(file).map_err(|error| format!("{name}: {file}: {error}"))?;
            Ok(text.trim_end_matches(['\r', '\n']).to_owned())
        }
        None => Ok(text),
    }
}

impl Given {
    pub(crate) fn all(&mut self, name: &str) -> Vec<String> {
        self.0.remove(name).unwrap_or_default()
    }

    pub(crate) fn one(&mut self, name: &str) -> Result<Option<String>, BoxError> {
        let mut values = self.all(name);
        match values.len() {
            0 | 1 => Ok(values.pop()),
            _ => Err(format!("--{name} is given more than once").into()),
        }
    }

    pub(crate) fn required(&mut self, name: &str) -> Result<String, BoxError> {
        self.one(name)?.ok_or_else(|| format!("--{name} is missing").into())
    }

    pub(crate) fn flag(&mut self, name: &str) -> bool {
        !self.all(name).is_empty()
    }

    pub(crate) fn number<T: std::str::FromStr>(&mut self, name: &str) -> Result<Option<T>, BoxError> {
        let number = |text: String| text.parse().map_err(|_| format!("--{name} {text}: it must be a number").into());
        self.one(name)?.map(number).transpose()
    }

    /// The values of `NAME=VALUE`.
    pub(crate) fn pairs(&mut self, name: &str) -> Result<Vec<(String, String)>, BoxError> {
        let pair = |text: String| match text.split_once('=') {
            Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
            _ => Err(format!("--{name}: it must be NAME=VALUE").into()),
        };
        self.all(name).into_iter().map(pair).collect()
    }

    /// The three values of `A,B,C`. The second one may have commas.
    pub(crate) fn trio(&mut self, name: &str) -> Result<Option<[String; 3]>, BoxError> {
        let trio = |text: String| {
            let (first, rest) = text.split_once(',')?;
            let (second, third) = rest.rsplit_once(',')?;
            Some([first, second, third].map(str::to_owned))
        };
        let wrong = || BoxError::from(format!("--{name}: it must be three values with commas between them"));
        self.one(name)?.map(|text| trio(text).ok_or_else(wrong)).transpose()
    }

    /// An error if an option is left that nobody has taken.
    pub(crate) fn assert_empty(&self, platform: &str) -> Result<(), BoxError> {
        match self.0.keys().next() {
            Some(name) => Err(format!("{platform} has no option --{name}").into()),
            None => Ok(()),
        }
    }
}
