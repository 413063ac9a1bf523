//! A layer: a tar of programs, and of other names for them.

use std::collections::BTreeSet;

use anyhow::Result;
use tar::{Builder, EntryType, Header};

/// What an image holds, by paths without a leading slash.
#[derive(Debug, Default)]
pub(crate) struct Content<'a> {
    /// Each can be run.
    pub(crate) files: &'a [(&'a str, &'a [u8])],
    /// Names in the folder of a file, for that file.
    pub(crate) links: &'a [(&'a str, &'a str)],
}

/// With the folders that lead there, and one that a read-only container mounts into.
pub(crate) fn layer(content: &Content<'_>) -> Result<Vec<u8>> {
    let mut tar = Builder::new(Vec::new());
    for folder in folders(content) {
        let mut header = header(EntryType::Directory, 0o755, 0);
        tar.append_data(&mut header, folder, std::io::empty())?;
    }
    for (path, bytes) in content.files {
        let mut file = header(EntryType::Regular, 0o555, bytes.len() as u64);
        tar.append_data(&mut file, path, *bytes)?;
    }
    for (path, to) in content.links {
        let mut link = header(EntryType::Symlink, 0o777, 0);
        tar.append_link(&mut link, path, to)?;
    }
    Ok(tar.into_inner()?)
}

/// Parents come before what is in them.
fn folders(content: &Content<'_>) -> BTreeSet<String> {
    let parents =
        |path: &str| -> Vec<String> { path.match_indices('/').map(|(end, _)| path[..=end].to_owned()).collect() };
    let of_files = content.files.iter().flat_map(|(path, _)| parents(path));
    of_files.chain(content.links.iter().flat_map(|(path, _)| parents(path))).chain(["tmp/".to_owned()]).collect()
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
    fn a_layer_holds_the_programs_their_other_names_and_their_folders() {
        let content = Content {
            files: &[("bin/standin", b"program"), ("lib/x86/libc.so", b"library")],
            links: &[("bin/pause", "standin")],
        };
        let bytes = layer(&content).expect("a tar");
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
        let expect = [
            ("bin/", ""),
            ("lib/", ""),
            ("lib/x86/", ""),
            ("tmp/", ""),
            ("bin/standin", ""),
            ("lib/x86/libc.so", ""),
            ("bin/pause", "standin"),
        ];
        assert_eq!(seen, expect.map(|(path, link)| (path.to_owned(), link.to_owned())));
    }
}
