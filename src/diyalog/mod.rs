//! Diyalog's token verification: customers of the mobile SDK ([`Customer`]) and agents in the iframe.

mod customer;

pub use self::customer::{Customer, CustomerToken, CustomerVerdict, Vocabulary};
