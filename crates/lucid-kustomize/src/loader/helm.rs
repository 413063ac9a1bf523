//! What is asked of `helm`.

/// One call of helm.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HelmCall {
    pub arguments: Vec<HelmArgument>,
    /// helm's configuration folder; none for an empty one that lasts for this build.
    pub configuration: Option<String>,
}

/// One argument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HelmArgument {
    Text(String),
    /// Values, as YAML. helm is given the path of a file that holds them.
    Values(Vec<u8>),
}

impl From<&str> for HelmArgument {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for HelmArgument {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}
