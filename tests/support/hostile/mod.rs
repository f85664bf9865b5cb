//! Slow and hostile peers over real sockets, honest clients beside them, and a server with the settings that the guide
//! recommends.

mod attacks;
mod frames;
mod honest;
mod server;

pub(crate) use self::{
    attacks::Attack,
    honest::Honest,
    server::{Limits, Server},
};
