//! The whole story on one machine, with a stand-in identity provider.
pub mod issuer;
