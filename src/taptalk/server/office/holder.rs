use sha2::{Digest, Sha256};

use super::{TicketOffice, login::Login};
use crate::{
    Secret,
    taptalk::{AccessVerdict, ApiKey, Device, KeyRefusal, TokenVerdict},
    token::{CheckError, Signer},
};

/// The app that tokens were issued to, and its device if it sent one.
#[derive(Clone)]
pub(super) struct Holder {
    app_id: Secret,
    device: Secret,
}

/// The reason to refuse a call before asking the store.
pub(super) enum Refused {
    Key(KeyRefusal),
    Token(CheckError),
}

impl Holder {
    pub(super) fn new(app_id: Secret, device: Option<Secret>) -> Self {
        Self { app_id, device: device.unwrap_or_default() }
    }

    pub(super) fn binding(&self) -> [&[u8]; 2] {
        [self.app_id.expose_secret().as_bytes(), self.device.expose_secret().as_bytes()]
    }

    /// A truncated digest, which distinguishes holders in the store.
    pub(super) fn tag(&self) -> [u8; 8] {
        let app_id = self.app_id.expose_secret();
        let digest = Sha256::new().chain_update(app_id).chain_update([0]).chain_update(self.device.expose_secret());
        let mut tag = [0; 8];
        tag.copy_from_slice(&digest.finalize()[..8]);
        tag
    }
}

impl<S> TicketOffice<S> {
    // Contract: TT-11.
    /// The login of a token, and the holder that the token was issued to.
    ///
    /// The holder must be this app on this device. If the app sent no key, every known app is tried; the app that
    /// matches must have a usable key. A token that was issued without a device is good on every device.
    pub(super) fn holder(
        &self,
        signer: &Signer,
        token: &Secret,
        app_key: Option<&ApiKey>,
        device: &Device,
    ) -> Result<(Login, Holder), Refused> {
        let apps = match app_key {
            Some(key) => {
                self.app_keys.check(key, Some(device), self.clock.now()).map_err(Refused::Key)?;
                vec![(key.id.clone(), Ok(()))]
            }
            None => self.app_keys.ids(device, self.clock.now()),
        };
        for (app_id, usable) in apps {
            for device in [device.identifier.clone(), None] {
                let holder = Holder::new(app_id.clone(), device);
                match signer.check(token.expose_secret(), &holder.binding()) {
                    Ok(checked) => {
                        usable.map_err(Refused::Key)?;
                        return Ok((Login::from_id(checked.id), holder));
                    }
                    Err(CheckError::BoundToOther) => {}
                    Err(refused) => return Err(Refused::Token(refused)),
                }
            }
        }
        Err(Refused::Token(CheckError::BoundToOther))
    }
}

impl From<Refused> for TokenVerdict {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Key(refusal) => Self::KeyRefused(refusal),
            Refused::Token(CheckError::Expired) => Self::Expired,
            Refused::Token(CheckError::BoundToOther) => Self::OtherClient,
            Refused::Token(_) => Self::Invalid,
        }
    }
}

impl From<Refused> for AccessVerdict {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Key(refusal) => Self::KeyRefused(refusal),
            Refused::Token(CheckError::Expired) => Self::Expired,
            Refused::Token(CheckError::BoundToOther) => Self::OtherClient,
            Refused::Token(_) => Self::Invalid,
        }
    }
}
