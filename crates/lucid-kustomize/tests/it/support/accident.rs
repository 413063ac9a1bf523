//! Slips of the pen: lines lost, doubled, moved or indented, values and names exchanged, single characters.

use super::Case;
use super::random::{Dice, NAMES, VALUES};

const MARKS: [&str; 28] = [
    ":", ": ", "-", "- ", "#", " #", "'", "\"", "{", "}", "[", "]", ",", "|", ">", "&a ", "*a", "!!str ", "!", "%",
    "@", "`", "?", " ", "\t", "~", "\\", "=",
];

/// A case of the corpus with one to three accidents.
pub(crate) fn of(seed: u64, corpus: &[Case]) -> Case {
    let mut dice = Dice::new(seed ^ 0xacc1_de47);
    let base = &corpus[dice.below(corpus.len())];
    let other = &corpus[dice.below(corpus.len())];
    let mut files = base.files.clone();
    for _ in 0..1 + dice.below(3) {
        let index = dice.below(files.len());
        let changed = accident(&mut dice, &files[index].1, other);
        files[index].1 = changed;
    }
    Case::of(files, super::Golden::Missing)
}

fn accident(dice: &mut Dice, text: &str, other: &Case) -> String {
    let mut lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
    if lines.is_empty() {
        return format!("{}\n", dice.pick(&VALUES));
    }
    let at = dice.below(lines.len());
    match dice.below(12) {
        0 => {
            lines.remove(at);
        }
        1 => lines.insert(at, lines[at].clone()),
        2 => {
            let to = dice.below(lines.len());
            lines.swap(at, to);
        }
        3 => lines[at].insert_str(0, dice.pick(&[" ", "  ", "- ", "    "])),
        4 => lines[at] = lines[at].strip_prefix("  ").unwrap_or(lines[at].trim_start()).to_owned(),
        5 => {
            let (_, donor) = &other.files[dice.below(other.files.len())];
            let from: Vec<&str> = donor.split_inclusive('\n').collect();
            if !from.is_empty() {
                let start = dice.below(from.len());
                let end = (start + 1 + dice.below(6)).min(from.len());
                lines.insert(at, from[start..end].concat());
            }
        }
        6..=8 => lines[at] = value(dice, &lines[at]),
        9 => lines[at] = word(dice, &lines[at]),
        10 => lines[at] = insert(dice, &lines[at]),
        _ => lines[at] = drop_character(dice, &lines[at]),
    }
    lines.concat()
}

/// Another value behind the first colon or dash.
fn value(dice: &mut Dice, line: &str) -> String {
    let indent = line.len() - line.trim_start().len();
    let value = dice.pick(&VALUES).replace("{}", &" ".repeat(indent + 2)).replace("{ ", "{");
    match line.find(": ").map(|at| at + 2).or_else(|| line.find("- ").map(|at| at + 2)) {
        Some(at) => format!("{}{value}\n", &line[..at]),
        None => format!("{}{value}\n", line.trim_end_matches('\n')),
    }
}

/// Another name where a name stands, or another field name.
fn word(dice: &mut Dice, line: &str) -> String {
    let words: Vec<(usize, usize)> = words(line);
    if words.is_empty() {
        return line.to_owned();
    }
    let (from, to) = words[dice.below(words.len())];
    let new = match dice.below(3) {
        0 => dice.pick(&NAMES).to_owned(),
        1 => dice
            .pick(&["name", "namespace", "kind", "metadata", "spec", "labels", "annotations", "data", "path", "target"])
            .to_owned(),
        _ => line[from..to].to_uppercase(),
    };
    format!("{}{new}{}", &line[..from], &line[to..])
}

fn words(line: &str) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut start = None;
    for (at, c) in line.char_indices().chain([(line.len(), ' ')]) {
        match (c.is_ascii_alphanumeric(), start) {
            (true, None) => start = Some(at),
            (false, Some(from)) => {
                found.push((from, at));
                start = None;
            }
            _ => {}
        }
    }
    found
}

fn insert(dice: &mut Dice, line: &str) -> String {
    let at = place(dice, line);
    format!("{}{}{}", &line[..at], dice.pick(&MARKS), &line[at..])
}

fn drop_character(dice: &mut Dice, line: &str) -> String {
    let at = place(dice, line);
    line.char_indices().filter(|(index, _)| *index != at).map(|(_, c)| c).collect()
}

fn place(dice: &mut Dice, line: &str) -> usize {
    let places: Vec<usize> = line.char_indices().map(|(at, _)| at).collect();
    if places.is_empty() { 0 } else { places[dice.below(places.len())] }
}
