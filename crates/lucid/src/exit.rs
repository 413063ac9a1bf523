//! What the program's exit code says.

use std::process::ExitCode;

/// The codes of the design, each with one meaning over all commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    Done,
    /// Failed with a known cause.
    Failed,
    /// Wrong usage, no readable kubeconfig, or error findings in the manifests.
    Usage,
    /// The deadline passed while things were still progressing.
    Deadline,
    /// No answer from the cluster, or it does not know us: the verdict is unknown.
    Unreachable,
    /// Refused before any change.
    Refused,
    /// The plan has changes.
    HasChanges,
    /// With `--strict`: something could not be checked.
    PartlyChecked,
    /// A person is needed.
    WayBackFailed,
    Interrupted,
    Terminated,
}

/// Code, name and meaning, for the reference.
pub(crate) const TABLE: &[(u8, &str)] = &[
    (0, "done"),
    (1, "failed with a known cause (rolled back or stopped)"),
    (2, "usage, no readable kubeconfig, or error findings in the manifests"),
    (3, "the deadline passed while still progressing"),
    (4, "no answer from the cluster, or 401: the verdict is unknown"),
    (
        5,
        "refused before any change: permission, lock, foreign object, missing Secret or image, no capacity, something needed is not ready",
    ),
    (6, "the plan has changes"),
    (7, "checked only in part (with `--strict`)"),
    (8, "the way back failed too: a person is needed"),
    (130, "interrupted (SIGINT)"),
    (143, "terminated (SIGTERM)"),
];

impl Exit {
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Deadline => 3,
            Self::Unreachable => 4,
            Self::Refused => 5,
            Self::HasChanges => 6,
            Self::PartlyChecked => 7,
            Self::WayBackFailed => 8,
            Self::Interrupted => 130,
            Self::Terminated => 143,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
