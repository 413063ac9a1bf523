//! Images in their registries: do they exist, for which platforms, and under which digest.
//!
//! [`Reference`] is an image's name as manifests write it; [`manifest`] reads what a registry keeps; [`challenge`] reads
//! what it asks for; [`Keychain`] has the credentials of each host, from Docker's configuration, its helpers and pull
//! secrets; [`transport`] sends one request within bounds; [`Registries`] answers for many images at once, and [`referrers`]
//! finds what is kept about one; [`signature`] judges who has signed it.

pub mod challenge;
pub mod error;
pub mod keychain;
pub mod manifest;
pub mod reference;
pub mod referrers;
pub mod registry;
pub mod signature;
pub mod transport;

pub use error::{Error, Result};
pub use keychain::{Credentials, Keychain};
pub use manifest::Platform;
pub use reference::Reference;
pub use registry::{Registries, Resolved};
pub use transport::Trust;
