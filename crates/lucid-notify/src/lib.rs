//! Tells people and programs how a run went.
//!
//! [`message`] is what is said, in a sentence and as an object; [`outside`] fetches addresses and keys from where
//! `lucid.yaml` says they are, and makes a receiver of each notification; [`send`] tells all of them at once. Behind it stand
//! the doors, one file each, and `http`, which asks a bounded number of times. Nothing here prints, follows a redirect, or
//! puts an address, a key or an answer into an error.

mod door;
mod http;
mod limits;
pub mod message;
pub mod outside;
mod send;
#[cfg(test)]
mod tests;

pub use limits::Limits;
pub use message::Message;
pub use outside::{Outside, Receiver, Unready};
pub use send::{Failed, Told, tell};
