//! Keys and values from env files, literals and files, in that order.

use lucid_object::yaml::{Pos, Text};

use crate::loader::path;
use crate::model::{At, GeneratorArgs};
use crate::report::{Report, code};

/// One entry of a generated object.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Pair {
    pub(crate) key: Text,
    pub(crate) value: Vec<u8>,
    pub(crate) pos: Pos,
}

/// Reads files for a generator; what cannot be read is reported there.
pub(crate) trait Files {
    /// The bytes of a file and its number in the table of files.
    fn load(&mut self, path: &At<Text>, report: &mut Report) -> Option<(Vec<u8>, u32)>;
}

/// All pairs of a generator. A key that comes twice is an error.
pub(crate) fn load(args: &GeneratorArgs, files: &mut dyn Files, report: &mut Report) -> Vec<Pair> {
    let mut pairs = Vec::new();
    for env in &args.envs {
        if let Some((bytes, file)) = files.load(env, report) {
            lines(&bytes, file, report, &mut pairs);
        }
    }
    pairs.extend(args.literals.iter().filter_map(|literal| literal_pair(literal, report)));
    for source in &args.files {
        let Some((key, file)) = file_source(source, report) else { continue };
        if let Some((value, _)) = files.load(&file, report) {
            pairs.push(Pair { key, value, pos: source.pos });
        }
    }
    repeated(&pairs, &args.name.value, report);
    pairs
}

fn repeated(pairs: &[Pair], name: &str, report: &mut Report) {
    let mut seen = std::collections::HashMap::with_capacity(pairs.len());
    for pair in pairs {
        if let Some(first) = seen.insert(&pair.key, pair.pos) {
            let place = report.files.position(first).map_or(String::new(), |position| format!(", first at {position}"));
            let message = format!("the generator of {name:?} has the key {:?} twice{place}", pair.key.as_str());
            report.error(code::GENERATOR, pair.pos, message);
        }
    }
}

/// Lines of an env file: blanks on the left go, `#` at the start is a comment, no `=` means an empty value.
fn lines(bytes: &[u8], file: u32, report: &mut Report, pairs: &mut Vec<Pair>) {
    let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    for (index, line) in bytes.split(|b| *b == b'\n').enumerate() {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let pos = Pos { file, line: index as u32 + 1, column: 1 };
        let Ok(line) = std::str::from_utf8(line) else {
            report.error(code::GENERATOR, pos, "the line is not UTF-8");
            continue;
        };
        let line = if index == 0 { line.strip_prefix('\u{feff}').unwrap_or(line) } else { line };
        let line = line.trim_start();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (key, value) = line.split_once('=').unwrap_or((line, ""));
        if !key.is_empty() {
            pairs.push(Pair { key: key.into(), value: value.into(), pos });
        }
    }
}

fn literal_pair(literal: &At<Text>, report: &mut Report) -> Option<Pair> {
    match literal.value.split_once('=') {
        Some((key, value)) if !key.is_empty() => {
            Some(Pair { key: key.into(), value: unquoted(value).into(), pos: literal.pos })
        }
        _ => {
            let message = format!("the literal {:?} is not of the form key=value", literal.value.as_str());
            report.error(code::GENERATOR, literal.pos, message);
            None
        }
    }
}

fn unquoted(text: &str) -> &str {
    ['"', '\''].iter().find_map(|quote| text.strip_prefix(*quote)?.strip_suffix(*quote)).unwrap_or(text)
}

/// `path`, or `key=path`.
fn file_source(source: &At<Text>, report: &mut Report) -> Option<(Text, At<Text>)> {
    let text = source.value.as_str();
    let file = |path: &str| At { value: path.into(), pos: source.pos };
    match text.split('=').collect::<Vec<_>>()[..] {
        [path] => Some((base_name(path).into(), file(path))),
        [key, path] if !key.is_empty() && !path.is_empty() => Some((key.into(), file(path))),
        _ => {
            let message = format!("the file source {text:?} is neither a path nor key=path");
            report.error(code::GENERATOR, source.pos, message);
            None
        }
    }
}

fn base_name(path: &str) -> &str {
    match path::base(path) {
        "" if path.starts_with('/') => "/",
        "" => ".",
        name => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed(&'static [u8]);

    impl Files for Fixed {
        fn load(&mut self, _: &At<Text>, _: &mut Report) -> Option<(Vec<u8>, u32)> {
            Some((self.0.to_vec(), 0))
        }
    }

    fn at(text: &str) -> At<Text> {
        At { value: text.into(), pos: Pos { file: 0, line: 1, column: 1 } }
    }

    #[track_caller]
    fn check(args: GeneratorArgs, content: &'static [u8], want: &str) {
        let mut report = Report::default();
        let pairs = load(&args, &mut Fixed(content), &mut report);
        let mut got: Vec<String> =
            pairs.iter().map(|p| format!("{}={}", p.key, String::from_utf8_lossy(&p.value))).collect();
        got.extend(report.take().iter().map(|finding| format!("! {}", finding.message)));
        assert_eq!(got.join("\n"), want);
    }

    #[test]
    fn env_files() {
        let args = GeneratorArgs { envs: vec![at("x")], ..GeneratorArgs::default() };
        check(args, b"\xef\xbb\xbfA=1\n  B = \"2\" \r\n# no\n\nC\nD==\n=x\n", "A=1\nB = \"2\" \nC=\nD==");
    }

    #[test]
    fn literals() {
        let literals = ["a=b", "q='x'", "d=\"y\"", "e='z\"", "f=", "no", "=v"].map(at).to_vec();
        let args = GeneratorArgs { literals, ..GeneratorArgs::default() };
        let wrong =
            "! the literal \"no\" is not of the form key=value\n! the literal \"=v\" is not of the form key=value";
        check(args, b"", &format!("a=b\nq=x\nd=y\ne='z\"\nf=\n{wrong}"));
    }

    #[test]
    fn files() {
        let files = ["dir/a.txt", "k=b", "=b", "a=b=c"].map(at).to_vec();
        let args = GeneratorArgs { files, ..GeneratorArgs::default() };
        check(
            args,
            b"v",
            "a.txt=v\nk=v\n! the file source \"=b\" is neither a path nor key=path\n! the file source \"a=b=c\" is neither a path nor key=path",
        );
    }

    #[test]
    fn keys_come_once() {
        let args =
            GeneratorArgs { literals: ["a=1", "a=2"].map(at).to_vec(), name: at("c"), ..GeneratorArgs::default() };
        check(args, b"", "a=1\na=2\n! the generator of \"c\" has the key \"a\" twice");
    }
}
