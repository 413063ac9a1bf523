//! Places of text inside other files: a patch in a block scalar has lines of its own, which become lines of the file.

use lucid_object::yaml::{Kind, Node, Pos};

/// Moves the places of a tree that was read from a scalar at `at`, which begins with the tree's first line.
pub(crate) fn shift(node: &mut Node, at: Pos) {
    node.pos = shifted(node.pos, at);
    match &mut node.kind {
        Kind::Scalar(_) => {}
        Kind::Seq(items) => items.iter_mut().for_each(|item| shift(item, at)),
        Kind::Map(entries) => entries.iter_mut().for_each(|entry| {
            entry.key.pos = shifted(entry.key.pos, at);
            shift(&mut entry.value, at);
        }),
    }
}

/// Puts a whole tree at one place.
pub(crate) fn put(node: &mut Node, at: Pos) {
    node.pos = at;
    match &mut node.kind {
        Kind::Scalar(_) => {}
        Kind::Seq(items) => items.iter_mut().for_each(|item| put(item, at)),
        Kind::Map(entries) => entries.iter_mut().for_each(|entry| {
            entry.key.pos = at;
            put(&mut entry.value, at);
        }),
    }
}

/// One place, moved.
pub(crate) fn shifted(pos: Pos, at: Pos) -> Pos {
    if pos.is_somewhere() && at.is_somewhere() {
        Pos { file: at.file, line: at.line + pos.line - 1, column: at.column + pos.column - 1 }
    } else {
        pos
    }
}
