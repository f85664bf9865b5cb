//! Apps with this crate's layer and all protections that are on by default.

use http::Request;
use tower_layer::Layer;
use tower_verify::{
    BoxError, ConfigError, Endpoint, Endpoints, Secret, Verifier, Verify, VerifyLayer,
    diyalog::{AgentEndpoint, AgentToken, AgentVerdict, CustomerEndpoint, CustomerToken, CustomerVerdict},
    layer::And,
    talkdesk::{AuthVerdict, Credentials, Parameters, Validator},
    taptalk::{
        AccessCheck, AccessVerdict, AuthTicketEndpoint, ConnectEndpoint, KeyRefusal, Ticket, TicketRequest,
        TicketVerdict,
    },
};

use super::{TOKEN, bare::Bare};

#[path = "../../tests/outside/customer.rs"]
mod customer;

/// A verifier that compares the token with the valid one. The parameter gives each compared endpoint a verifier type of
/// its own, for the compiler to inline.
pub(crate) struct OneToken<const OUTSIDE: bool = false>;

impl<const OUTSIDE: bool> Verifier<CustomerToken> for OneToken<OUTSIDE> {
    async fn verify(&self, request: Request<CustomerToken>) -> Result<CustomerVerdict, BoxError> {
        Ok(if request.body().dlg_token == TOKEN { CustomerVerdict::Validated } else { CustomerVerdict::InvalidToken })
    }
}

impl Verifier<AgentToken> for OneToken {
    async fn verify(&self, request: Request<AgentToken>) -> Result<AgentVerdict, BoxError> {
        let AgentToken { token, user_no, .. } = request.into_body();
        Ok(if token == TOKEN { AgentVerdict::validated(user_no) } else { AgentVerdict::InvalidToken })
    }
}

impl Verifier<Credentials> for OneToken {
    async fn verify(&self, request: Request<Credentials>) -> Result<AuthVerdict, BoxError> {
        let known = request.body().text("password").is_some_and(|password| *password == TOKEN);
        Ok(if known { AuthVerdict::Granted(Parameters::new().with("login_id", 12)) } else { AuthVerdict::Denied })
    }
}

impl Verifier<TicketRequest> for OneToken {
    async fn verify(&self, request: Request<TicketRequest>) -> Result<TicketVerdict, BoxError> {
        let key = &request.body().server_key;
        let known = (key.id == "backend") & (key.secret == "s3cr3t");
        Ok(match known {
            true => TicketVerdict::Issued(Ticket::new("287", Secret::from("ttk_2121sasasrwsdss"))),
            false => TicketVerdict::KeyRefused(KeyRefusal::Unknown),
        })
    }
}

impl Verifier<AccessCheck> for OneToken {
    async fn verify(&self, request: Request<AccessCheck>) -> Result<AccessVerdict, BoxError> {
        Ok(if request.body().access_token == TOKEN { AccessVerdict::Valid } else { AccessVerdict::Expired })
    }
}

/// Diyalog's agent check in front of the smallest app.
pub(crate) fn agent() -> Verify<Bare, VerifyLayer<AgentEndpoint, OneToken>> {
    before_bare(AgentEndpoint::new())
}

/// Talkdesk's validator in front of the smallest app.
pub(crate) fn validator() -> Verify<Bare, VerifyLayer<Validator, OneToken>> {
    before_bare(Validator::new())
}

/// TapTalk's ticket request in front of the smallest app.
pub(crate) fn auth_ticket() -> Verify<Bare, VerifyLayer<AuthTicketEndpoint, OneToken>> {
    before_bare(AuthTicketEndpoint::new())
}

/// TapTalk's check of an access token in front of the smallest app.
pub(crate) fn connect() -> Verify<Bare, VerifyLayer<ConnectEndpoint, OneToken>> {
    before_bare(ConnectEndpoint::new())
}

fn before_bare<E: Endpoint>(endpoint: E) -> Verify<Bare, VerifyLayer<E, OneToken>>
where
    OneToken: Verifier<E::Credential>,
{
    VerifyLayer::new(endpoint, OneToken).layer(Bare)
}

pub(crate) type One<S> = Verify<S, VerifyLayer<CustomerEndpoint, OneToken>>;
pub(crate) type Four<S> = One<One<One<One<S>>>>;

/// The layer for Diyalog's customer check.
pub(crate) fn layer() -> VerifyLayer<CustomerEndpoint, OneToken> {
    VerifyLayer::new(CustomerEndpoint::new(), OneToken)
}

/// `inner` behind one layer.
pub(crate) fn one<S>(inner: S) -> One<S> {
    layer().layer(inner)
}

/// `inner` behind four layers.
pub(crate) fn four<S>(inner: S) -> Four<S> {
    one(one(one(one(inner))))
}

type With<L> = And<L, CustomerEndpoint, OneToken>;
type WithFour<L> = With<With<With<With<L>>>>;
pub(crate) type SixteenEndpoints = Endpoints<WithFour<WithFour<WithFour<WithFour<()>>>>>;

/// One layer with sixteen endpoints. The last one has the documented path.
pub(crate) fn sixteen_endpoints() -> SixteenEndpoints {
    let at = |n: usize| layer().path(&format!("/partners/{n}/checkauthtoken")).expect("a path");
    let endpoints = || -> Result<_, ConfigError> {
        let four = Endpoints::new().with(at(1))?.with(at(2))?.with(at(3))?.with(at(4))?;
        let eight = four.with(at(5))?.with(at(6))?.with(at(7))?.with(at(8))?;
        let twelve = eight.with(at(9))?.with(at(10))?.with(at(11))?.with(at(12))?;
        twelve.with(at(13))?.with(at(14))?.with(at(15))?.with(layer())
    };
    endpoints().expect("sixteen routes")
}

/// `inner` behind the copy of the endpoint that uses public items only.
pub(crate) fn outside<S>(inner: S) -> Verify<S, VerifyLayer<customer::CustomerEndpoint, OneToken<true>>> {
    VerifyLayer::new(customer::CustomerEndpoint, OneToken::<true>).layer(inner)
}

/// `inner` behind sixteen layers.
pub(crate) fn sixteen<S>(inner: S) -> Four<Four<Four<Four<S>>>> {
    four(four(four(four(inner))))
}
