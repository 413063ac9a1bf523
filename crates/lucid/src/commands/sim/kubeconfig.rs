//! The kubeconfig that leads to the simulation.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::state::write_private;
use crate::failure::{Failure, Result};

const CONTEXT: &str = "current-context: lucid-sim";

/// Refuses to write over somebody's own kubeconfig.
pub(super) fn check(file: &Path) -> Result<()> {
    match fs::read_to_string(file) {
        Ok(text) if !text.trim().is_empty() && !text.lines().any(|line| line == CONTEXT) => {
            Err(Failure::usage(format!("{} is the kubeconfig of something else", file.display()))
                .help("name a file of its own: --kubeconfig FILE"))
        }
        _ => Ok(()),
    }
}

pub(super) fn write(file: &Path, address: SocketAddr, authority: &str, token: &str) -> Result<()> {
    write_private(file, text(address, authority, token).as_bytes())
}

fn text(address: SocketAddr, authority: &str, token: &str) -> String {
    let authority = STANDARD.encode(authority);
    format!(
        "apiVersion: v1
kind: Config
clusters:
- name: lucid-sim
  cluster:
    certificate-authority-data: {authority}
    server: https://{address}
contexts:
- name: lucid-sim
  context:
    cluster: lucid-sim
    user: lucid-sim
{CONTEXT}
users:
- name: lucid-sim
  user:
    token: {token}
"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_its_own_file_is_written_over() {
        let folder = std::env::temp_dir().join(format!("lucid-sim-kubeconfig-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let file = folder.join("config");
        assert!(check(&file).is_ok());
        write(&file, "127.0.0.1:1".parse().unwrap(), "pem", "token").unwrap();
        assert!(check(&file).is_ok());
        fs::write(&file, "apiVersion: v1\nkind: Config\ncurrent-context: production\n").unwrap();
        let failure = check(&file).unwrap_err();
        assert!(failure.help.unwrap().contains("--kubeconfig FILE"));
        fs::remove_dir_all(&folder).unwrap();
    }
}
