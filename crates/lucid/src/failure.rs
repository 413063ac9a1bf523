//! The one error type of the edge: an exit code, what to say, and what to do next.

use lucid_client::Error;
use lucid_deploy::Refusal;
use lucid_engine::Signal;
use lucid_object::{Finding, Findings};

use crate::exit::Exit;

/// Why a command ends early.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    /// One sentence; empty when the findings say it all.
    pub(crate) message: String,
    pub(crate) findings: Findings,
    pub(crate) help: Option<String>,
}

pub(crate) type Result<T> = std::result::Result<T, Failure>;

impl Failure {
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into(), findings: Findings::default(), help: None }
    }

    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Mistakes in the manifests.
    pub(crate) fn manifests(findings: Findings) -> Self {
        let count = findings.errors().count();
        let message = format!("{count} error{} in the manifests; nothing was sent", if count == 1 { "" } else { "s" });
        Self { findings, ..Self::new(Exit::Usage, message) }
    }
}

impl From<Finding> for Failure {
    fn from(finding: Finding) -> Self {
        Self::manifests(Findings(vec![finding]))
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match &error {
            Error::Config(message) => Self::usage(message.clone()),
            _ if error.code() == Some(401) => {
                Self::new(Exit::Unreachable, format!("the cluster does not know us: {error}"))
                    .help("log in again, or choose another user or context")
            }
            Error::Transport { .. } => Self::new(Exit::Unreachable, format!("no answer from the cluster: {error}"))
                .help("check the address in the kubeconfig, the network, and --context"),
            _ => Self::new(Exit::Failed, error.to_string()),
        }
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Manifests(findings) => Self::manifests(findings),
            Refusal::Cluster(findings) => Self { findings, ..Self::new(Exit::Refused, "refused; nothing was changed") },
            Refusal::Stuck(findings) => {
                Self { findings, ..Self::new(Exit::WayBackFailed, "stopped half way: what was deleted is not gone") }
            }
            Refusal::Stopped(Signal::Interrupt) => {
                Self::new(Exit::Interrupted, "interrupted before anything was changed")
            }
            Refusal::Stopped(Signal::Terminate) => {
                Self::new(Exit::Terminated, "terminated before anything was changed")
            }
            Refusal::Unreachable(error) => Self { exit: Exit::Unreachable, ..error.into() },
        }
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::new(Exit::Failed, error.to_string())
    }
}
