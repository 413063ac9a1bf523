//! A layer: a tar of a program, and of other names for it.

use anyhow::Result;
use tar::{Builder, EntryType, Header};

/// `/bin/NAME` with these bytes, `/bin/OTHER` as links to it, and the folders that a read-only container mounts into.
pub(crate) fn layer(name: &str, program: &[u8], others: &[&str]) -> Result<Vec<u8>> {
    let mut tar = Builder::new(Vec::new());
    for folder in ["bin/", "tmp/"] {
        let mut header = header(EntryType::Directory, 0o755, 0);
        tar.append_data(&mut header, folder, std::io::empty())?;
    }
    let mut file = header(EntryType::Regular, 0o555, program.len() as u64);
    tar.append_data(&mut file, format!("bin/{name}"), program)?;
    for other in others {
        let mut link = header(EntryType::Symlink, 0o777, 0);
        tar.append_link(&mut link, format!("bin/{other}"), name)?;
    }
    Ok(tar.into_inner()?)
}

/// Owner root and time 0 for everything: nobody but root changes it, and the same content is the same tar.
fn header(kind: EntryType, mode: u32, size: u64) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_size(size);
    header.set_mtime(0);
    header.set_uid(0);
    header.set_gid(0);
    header
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layer_holds_the_program_and_its_other_names() {
        let bytes = layer("standin", b"program", &["pause"]).expect("a tar");
        let mut archive = tar::Archive::new(bytes.as_slice());
        let seen: Vec<(String, String)> = archive
            .entries()
            .expect("entries")
            .map(|entry| {
                let entry = entry.expect("an entry");
                let link = entry.link_name().expect("a name").map(|to| to.display().to_string());
                (entry.path().expect("a path").display().to_string(), link.unwrap_or_default())
            })
            .collect();
        let expect = [("bin/", ""), ("tmp/", ""), ("bin/standin", ""), ("bin/pause", "standin")];
        assert_eq!(seen, expect.map(|(path, link)| (path.to_owned(), link.to_owned())));
    }
}
