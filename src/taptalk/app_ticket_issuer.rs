use std::{error::Error, fmt, future::poll_fn};

use http::Request;
use tower_service::Service;

use super::{AppCaller, AppDevice, AppTicketRequest, AppTicketVerdict, Ticket, TicketParameters};
use crate::{BoxError, Verifier};

/// The verifier behind [`AppTicket`](super::AppTicket): it asks your verifier who the caller is, and TapTalk for a ticket
/// on behalf of that user.
///
/// `callers` is a [`Verifier`] of [`AppCaller`]. `client` is a [`Client`](super::Client), or one with tower's retries,
/// limits and timeouts around it. TapTalk is not asked before the caller is known.
#[derive(Clone)]
pub struct AppTicketIssuer<V, C> {
    callers: V,
    client: C,
}

impl<V, C> AppTicketIssuer<V, C> {
    /// A verifier that gives a ticket of `client`'s to whom `callers` knows.
    pub fn new(callers: V, client: C) -> Self {
        Self { callers, client }
    }
}

impl<V, C> Verifier<AppTicketRequest> for AppTicketIssuer<V, C>
where
    V: Verifier<AppCaller>,
    C: Service<TicketParameters, Response = Ticket, Error: Into<BoxError>, Future: Send>,
    C: Clone + Send + Sync + 'static,
{
    async fn verify(&self, request: Request<AppTicketRequest>) -> Result<AppTicketVerdict, BoxError> {
        let device = request.body().device.clone();
        let caller = request.map(|AppTicketRequest { device }| AppCaller { device });
        let Some(profile) = self.callers.verify(caller).await? else {
            return Ok(AppTicketVerdict::UnknownCaller);
        };
        let AppDevice { user_platform, user_device_id, user_agent, user_ip_address } = device;
        let user_ip_address = user_ip_address.ok_or("the client's address is not known: `PeerAddr` is not set")?;
        let user_ip_address = user_ip_address.to_string();
        let parameters = TicketParameters::new(profile, user_platform, user_device_id, user_ip_address, user_agent);
        let mut client = self.client.clone();
        poll_fn(|cx| client.poll_ready(cx)).await.map_err(NoTicket::because)?;
        client.call(parameters).await.map(AppTicketVerdict::Issued).map_err(NoTicket::because)
    }
}

impl<V, C> fmt::Debug for AppTicketIssuer<V, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AppTicketIssuer").finish_non_exhaustive()
    }
}

/// TapTalk, or the way to it, is the reason why there is no verdict.
#[derive(Debug)]
pub(super) struct NoTicket(BoxError);

impl NoTicket {
    pub(super) fn because(error: impl Into<BoxError>) -> BoxError {
        Self(error.into()).into()
    }
}

impl fmt::Display for NoTicket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TapTalk gave no ticket")
    }
}

impl Error for NoTicket {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.0)
    }
}
