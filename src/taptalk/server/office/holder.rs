use sha2::{Digest, Sha256};

use super::{TicketOffice, login::Login};
use crate::{
    Secret,
    taptalk::{AccessVerdict, ApiKey, Device, KeyRefusal, TokenVerdict},
    token::{CheckError, Signer},
};

/// The app, and the device if there is one, that tokens were issued to.
#[derive(Clone)]
pub(super) struct Holder {
    app_id: Secret,
    device: Secret,
}

/// Why a call is refused before the store is asked.
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

    /// Tells holders apart without saying who they are.
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
    /// The login of a token, and whom it was issued to: this app on this device. An app that shows no key may be any that
    /// is known, and whose key it could show; a token that was issued to no device is good on each.
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
