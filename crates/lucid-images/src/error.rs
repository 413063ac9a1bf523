//! What can come of asking a registry.

pub type Result<T> = std::result::Result<T, Error>;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The registry answers, and has no such image.
    #[error("{image} does not exist in its registry")]
    Missing { image: String },
    /// 401 or 403. Some registries say this of images that do not exist.
    #[error("{host} refuses the credentials for {image}{}", if *.with { "" } else { ": there are none for this host" })]
    Refused { image: String, host: String, with: bool },
    #[error("{host} limits how often it may be asked")]
    RateLimited { host: String },
    #[error("{host} does not answer: {cause}")]
    Unreachable { host: String, cause: String },
    #[error("{host} answers {status} for {image}")]
    Status { image: String, host: String, status: u16 },
    /// What it sent is not what it should be: another digest, no manifest, too large.
    #[error("{host} sends for {image} {what}")]
    Wrong { image: String, host: String, what: String },
    #[error("not asked in time")]
    TimedOut,
    #[error("`{0}` is no image reference")]
    Reference(String),
    #[error("credential helper {helper}: {cause}")]
    Helper { helper: String, cause: String },
    #[error("read {file}: {cause}")]
    File { file: String, cause: String },
}

impl Error {
    /// True when nothing is known about the image: that is no reason to call it missing.
    pub fn is_unknown(&self) -> bool {
        matches!(
            self,
            Self::RateLimited { .. }
                | Self::Unreachable { .. }
                | Self::TimedOut
                | Self::Helper { .. }
                | Self::File { .. }
        ) || matches!(self, Self::Status { status: 500.., .. })
    }
}
