//! Archives that depend on nothing but what is in them: sorted, one owner, one time.

use std::fs;
use std::io::{Cursor, Write};
use std::path::Path;

use anyhow::{Context, Result};
use flate2::{Compression, GzBuilder};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    TarGz,
    Zip,
}

impl Form {
    pub(crate) fn ending(self) -> &'static str {
        match self {
            Self::TarGz => ".tar.gz",
            Self::Zip => ".zip",
        }
    }
}

/// A file of an archive.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) path: String,
    pub(crate) bytes: Vec<u8>,
    pub(crate) is_program: bool,
}

impl Entry {
    pub(crate) fn read(file: &Path, path: &str, is_program: bool) -> Result<Self> {
        let bytes = fs::read(file).with_context(|| format!("read {}", file.display()))?;
        Ok(Self { path: path.to_owned(), bytes, is_program })
    }

    /// The files of a folder, which has no folders.
    pub(crate) fn read_all(folder: &Path, path: &str) -> Result<Vec<Self>> {
        let files = fs::read_dir(folder).with_context(|| format!("list {}", folder.display()))?;
        files
            .map(|file| {
                let file = file?;
                Self::read(&file.path(), &format!("{path}/{}", file.file_name().display()), false)
            })
            .collect()
    }

    fn mode(&self) -> u32 {
        if self.is_program { 0o755 } else { 0o644 }
    }
}

/// Packs the files; `epoch` is their time, in seconds since 1970.
pub(crate) fn pack(mut entries: Vec<Entry>, form: Form, epoch: u64) -> Result<Vec<u8>> {
    entries.sort_by(|a, b| a.path.cmp(&b.path));
    match form {
        Form::TarGz => tar_gz(&entries, epoch),
        Form::Zip => zip(&entries),
    }
}

fn tar_gz(entries: &[Entry], epoch: u64) -> Result<Vec<u8>> {
    // The header of gzip has a time and a system of its own: neither is said.
    let gzip = GzBuilder::new().mtime(0).operating_system(255).write(Vec::new(), Compression::best());
    let mut tar = tar::Builder::new(gzip);
    for entry in entries {
        let mut header = tar::Header::new_ustar();
        header.set_entry_type(tar::EntryType::Regular);
        header.set_mode(entry.mode());
        header.set_size(entry.bytes.len() as u64);
        header.set_mtime(epoch);
        header.set_uid(0);
        header.set_gid(0);
        header.set_username("root")?;
        header.set_groupname("root")?;
        tar.append_data(&mut header, &entry.path, entry.bytes.as_slice())?;
    }
    Ok(tar.into_inner()?.finish()?)
}

/// Times of zip files are local times: the first that there is stands for all.
fn zip(entries: &[Entry]) -> Result<Vec<u8>> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for entry in entries {
        let options = zip::write::SimpleFileOptions::default()
            .compression_method(zip::CompressionMethod::Deflated)
            .last_modified_time(zip::DateTime::default())
            .unix_permissions(entry.mode());
        zip.start_file(&entry.path, options)?;
        zip.write_all(&entry.bytes)?;
    }
    Ok(zip.finish()?.into_inner())
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    fn entries() -> Vec<Entry> {
        let entry = |path: &str, is_program| Entry { path: path.to_owned(), bytes: path.into(), is_program };
        vec![entry("lucid/man/lucid.1", false), entry("lucid/lucid", true), entry("lucid/README.md", false)]
    }

    #[test]
    fn the_order_and_the_time_of_packing_change_no_byte() {
        for form in [Form::TarGz, Form::Zip] {
            let first = pack(entries(), form, 1_700_000_000).expect("an archive");
            std::thread::sleep(std::time::Duration::from_millis(5));
            let turned = entries().into_iter().rev().collect();
            assert_eq!(pack(turned, form, 1_700_000_000).expect("an archive"), first, "{form:?}");
        }
    }

    #[test]
    fn a_tar_says_one_owner_and_the_time_of_the_source() {
        let packed = pack(entries(), Form::TarGz, 1_700_000_000).expect("an archive");
        let mut tar = tar::Archive::new(flate2::read::GzDecoder::new(packed.as_slice()));
        let mut seen = Vec::new();
        for entry in tar.entries().expect("entries") {
            let mut entry = entry.expect("an entry");
            let header = entry.header().clone();
            assert_eq!((header.uid().unwrap(), header.gid().unwrap(), header.mtime().unwrap()), (0, 0, 1_700_000_000));
            let path = entry.path().expect("a path").display().to_string();
            let mut text = String::new();
            entry.read_to_string(&mut text).expect("content");
            assert_eq!(text, path);
            seen.push((path, header.mode().unwrap()));
        }
        let expect = [("lucid/README.md", 0o644), ("lucid/lucid", 0o755), ("lucid/man/lucid.1", 0o644)];
        assert_eq!(seen, expect.map(|(path, mode)| (path.to_owned(), mode)));
        assert_eq!(&packed[4..10], [0, 0, 0, 0, 2, 255], "no time and no system in gzip's own header");
    }

    #[test]
    fn a_zip_has_the_files_and_their_rights() {
        let packed = pack(entries(), Form::Zip, 1_700_000_000).expect("an archive");
        let mut zip = zip::ZipArchive::new(Cursor::new(packed)).expect("a zip");
        let names: Vec<String> = zip.file_names().map(str::to_owned).collect();
        assert_eq!(names, ["lucid/README.md", "lucid/lucid", "lucid/man/lucid.1"]);
        let mut program = zip.by_name("lucid/lucid").expect("the program");
        assert_eq!(program.unix_mode().map(|mode| mode & 0o777), Some(0o755));
        let mut text = String::new();
        program.read_to_string(&mut text).expect("content");
        assert_eq!(text, "lucid/lucid");
    }
}
