//! Comments of YAML that a text carries. go-yaml ties them to nodes and writes them with these. Here they go back to the
//! lines that they stood at, where that comes to the same: above a line and in its column, behind one, or at either end.

use lucid_object::yaml::comments;

/// A line of the source, its comment apart.
struct Line<'s> {
    content: &'s str,
    comment: Option<(usize, &'s str)>,
}

impl Line<'_> {
    fn column(&self) -> usize {
        self.content.len() - self.content.trim_start().len()
    }
}

/// What belongs to a printed line.
#[derive(Default)]
struct Around<'s> {
    above: Vec<&'s str>,
    behind: Option<&'s str>,
}

/// What is to be put back.
#[derive(Default)]
struct Found<'s> {
    /// At the top, apart from the first line.
    top: Vec<&'s str>,
    lines: Vec<Around<'s>>,
    bottom: Vec<&'s str>,
}

/// Whether there are comments, as far as one can say: behind the document that is read there may be what is no YAML.
pub(super) fn may_have(source: &str) -> bool {
    source.contains('#') && comments(source).is_none_or(|found| !found.is_empty())
}

/// The printed document with the comments of the source; `before` is how it prints unchanged. None where a comment could
/// belong to one thing or another.
pub(super) fn put_back(source: &str, before: &str, after: &str) -> Option<String> {
    let source = lines(source)?;
    let before: Vec<&str> = before.lines().collect();
    let after: Vec<&str> = after.lines().collect();
    let found = find(&source, &before)?;
    let mut out = String::new();
    let mut line = |text: &str| {
        out.push_str(text);
        out.push('\n');
    };
    found.top.iter().for_each(|comment| line(comment));
    if !found.top.is_empty() {
        line("");
    }
    let places = places(&before, &after);
    // Those at the bottom belong to the last line, whatever comes behind it.
    if !found.bottom.is_empty() && places.last() != Some(&after.len().checked_sub(1)) {
        return None;
    }
    let mut around: Vec<Option<Around<'_>>> = after.iter().map(|_| None).collect();
    for (index, one) in found.lines.into_iter().enumerate() {
        match places[index] {
            Some(place) => around[place] = Some(one),
            None if one.above.is_empty() && one.behind.is_none() => {}
            None => return None,
        }
    }
    for (text, around) in after.iter().zip(around) {
        let around = around.unwrap_or_default();
        let indent = " ".repeat(text.len() - text.trim_start().len());
        around.above.iter().for_each(|comment| line(&format!("{indent}{comment}")));
        match around.behind {
            Some(comment) => line(&format!("{} {comment}", text.trim_end())),
            None => line(text),
        }
    }
    found.bottom.iter().for_each(|comment| line(comment));
    Some(out)
}

fn lines(source: &str) -> Option<Vec<Line<'_>>> {
    let mut found = comments(source)?.into_iter().peekable();
    let mut lines = Vec::new();
    for (index, text) in source.lines().enumerate() {
        lines.push(match found.next_if(|(line, _)| *line as usize == index + 1) {
            None => Line { content: text.trim_end(), comment: None },
            Some((_, column)) => {
                let (start, _) = text.char_indices().nth(column as usize)?;
                Line { content: text[..start].trim_end(), comment: Some((column as usize, &text[start..])) }
            }
        });
    }
    found.peek().is_none().then_some(lines)
}

/// Which comments belong to which printed lines; the source must be printed line by line as it stands.
fn find<'s>(source: &[Line<'s>], printed: &[&str]) -> Option<Found<'s>> {
    let mut found = Found::default();
    let mut above: Vec<(usize, &str)> = Vec::new();
    let mut is_apart = false;
    for line in source {
        match (line.content, line.comment) {
            ("", Some(comment)) => {
                if is_apart {
                    found.top = top(std::mem::take(&mut above), &found)?;
                    is_apart = false;
                }
                above.push(comment);
            }
            ("", None) => {
                let is_text = printed.get(found.lines.len()).is_some_and(|line| line.trim().is_empty());
                match is_text {
                    true => found.lines.push(Around::default()),
                    false => is_apart |= !above.is_empty(),
                }
            }
            ("---", None) if found.lines.is_empty() && above.is_empty() => {}
            (content, behind) => {
                let same = printed.get(found.lines.len()).is_some_and(|printed| printed.trim() == content.trim());
                let takes_none = content.ends_with(['|', '>', '-', '+', '?']);
                if !same || takes_none && behind.is_some() {
                    return None;
                }
                if is_apart {
                    found.top = top(std::mem::take(&mut above), &found)?;
                    is_apart = false;
                }
                if above.iter().any(|(column, _)| *column != line.column()) {
                    return None;
                }
                let above = above.drain(..).map(|(_, comment)| comment).collect();
                found.lines.push(Around { above, behind: behind.map(|(_, comment)| comment) });
            }
        }
    }
    if is_apart || found.lines.len() != printed.len() || above.iter().any(|(column, _)| *column > 0) {
        return None;
    }
    found.bottom = above.into_iter().map(|(_, comment)| comment).collect();
    Some(found)
}

/// Comments apart from what follows are the document's own, if they are the first thing in it.
fn top<'s>(comments: Vec<(usize, &'s str)>, found: &Found<'s>) -> Option<Vec<&'s str>> {
    let is_first = found.top.is_empty() && found.lines.is_empty() && comments.iter().all(|(column, _)| *column == 0);
    is_first.then(|| comments.into_iter().map(|(_, comment)| comment).collect())
}

/// Where each line of the one text is in the other; none for lines that a change has replaced by more or fewer.
fn places(before: &[&str], after: &[&str]) -> Vec<Option<usize>> {
    if before.len() == after.len() {
        return (0..before.len()).map(Some).collect();
    }
    let pairs = before.iter().zip(after);
    let first = pairs.take_while(|(a, b)| a == b).count();
    let room = before.len().min(after.len()) - first;
    let pairs = before.iter().rev().zip(after.iter().rev());
    let last = pairs.take_while(|(a, b)| a == b).count().min(room);
    let place = |index: usize| match index {
        _ if index < first => Some(index),
        _ if index >= before.len() - last => Some(index + after.len() - before.len()),
        _ => None,
    };
    (0..before.len()).map(place).collect()
}
