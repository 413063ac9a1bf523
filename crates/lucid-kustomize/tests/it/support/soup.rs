//! Soups of what YAML is made of: more often readable than random bytes, and seldom what a person would write.

use super::random::{Dice, VALUES};

const KEYS: [&str; 24] = [
    "a", "b", "k1", "k10", "k01", "K", "y", "n", "\"q\"", "'s'", "1", "1.5", "true", "null", "~", "a b", "é", "? c",
    "<<", "=", "-x", "\"\\t\"", "a.b/c", "0x1",
];
const PIECES: [&str; 44] = [
    "'",
    "\"",
    "\\n",
    "\\",
    ": ",
    " #c",
    "- ",
    "? ",
    "|",
    ">",
    "|2",
    ">-",
    "|+",
    "&a ",
    "*a",
    "!!str ",
    "!!int ",
    "!!float ",
    "!!bool ",
    "!!null ",
    "!!binary ",
    "!t ",
    "{",
    "}",
    "[",
    "]",
    ",",
    "\t",
    "%",
    "@",
    "`",
    "\u{85}",
    "\u{2028}",
    "\u{feff}",
    "😀",
    "\u{a0}",
    "...",
    "---",
    "0o7",
    "1_0",
    "+1",
    ".5e3",
    "12:30:45",
    "\r",
];

/// One text of a few lines.
pub(crate) fn of(dice: &mut Dice) -> String {
    let mut out = String::new();
    mapping(dice, 0, 3, &mut out);
    for _ in 0..dice.below(3) {
        stir(dice, &mut out);
    }
    out
}

fn mapping(dice: &mut Dice, indent: usize, depth: usize, out: &mut String) {
    for _ in 0..=dice.below(4) {
        out.push_str(&" ".repeat(indent));
        out.push_str(dice.pick(&KEYS));
        out.push(':');
        value(dice, indent, depth, out);
    }
}

fn value(dice: &mut Dice, indent: usize, depth: usize, out: &mut String) {
    match dice.below(if depth == 0 { 4 } else { 8 }) {
        0..=3 => {
            let text = dice.pick(&VALUES).replace("{}", &" ".repeat(indent + 2)).replace("{ ", "{");
            out.push_str(&format!(" {text}\n"));
        }
        4 => {
            out.push('\n');
            let inner = indent + 1 + dice.below(3);
            mapping(dice, inner, depth - 1, out);
        }
        5 | 6 => {
            out.push('\n');
            let inner = indent + dice.below(3);
            for _ in 0..=dice.below(3) {
                out.push_str(&" ".repeat(inner));
                out.push('-');
                value(dice, inner + 2, depth - 1, out);
            }
        }
        _ => {
            out.push(' ');
            words(dice, out);
            out.push('\n');
        }
    }
}

/// A scalar of pieces: long ones are folded, odd ones quoted.
fn words(dice: &mut Dice, out: &mut String) {
    let quote = dice.pick(&["", "", "'", "\"", "|\n      ", ">\n      "]);
    out.push_str(quote);
    for _ in 0..dice.below(30) {
        out.push_str(dice.pick(&["word", "a", "longerword", " ", "  ", "\n      ", "x y"]));
        if dice.chance(15) {
            out.push_str(dice.pick(&PIECES));
        }
    }
    if matches!(quote, "'" | "\"") {
        out.push_str(quote);
    }
}

/// One piece more, or one character less, anywhere.
fn stir(dice: &mut Dice, text: &mut String) {
    let places: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
    let at = places[dice.below(places.len())];
    match dice.chance(70) {
        true => text.insert_str(at, dice.pick(&PIECES)),
        false => _ = text.remove(at),
    }
    if text.is_empty() {
        text.push('a');
    }
}
