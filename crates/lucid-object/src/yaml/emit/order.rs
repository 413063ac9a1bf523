//! The order of keys: go-yaml v2's "natural" order.
//!
//! It is not transitive for digit runs with leading zeros or beside letters, so the standard sort may not be used:
//! a merge sort over keys in byte order gives one fixed answer, where kustomize itself gives a random one.

use std::cmp::Ordering;

/// Sorts entries by key.
pub(super) fn sorted<T: Copy>(mut entries: Vec<(&str, T)>) -> Vec<(&str, T)> {
    if entries.windows(2).all(|pair| less(pair[0].0, pair[1].0)) {
        return entries;
    }
    entries.sort_by(|a, b| a.0.cmp(b.0));
    let mut spare = entries.clone();
    merge_sort(&mut entries, &mut spare);
    entries
}

fn merge_sort<'a, T: Copy>(entries: &mut [(&'a str, T)], spare: &mut [(&'a str, T)]) {
    if entries.len() < 2 {
        return;
    }
    let middle = entries.len() / 2;
    merge_sort(&mut entries[..middle], &mut spare[..middle]);
    merge_sort(&mut entries[middle..], &mut spare[middle..]);
    if !less(entries[middle].0, entries[middle - 1].0) {
        return;
    }
    spare.copy_from_slice(entries);
    let (left, right) = spare.split_at(middle);
    let (mut l, mut r) = (0, 0);
    for slot in entries.iter_mut() {
        let take_right = l == left.len() || (r < right.len() && less(right[r].0, left[l].0));
        *slot = if take_right { right[r] } else { left[l] };
        *if take_right { &mut r } else { &mut l } += 1;
    }
}

fn less(a: &str, b: &str) -> bool {
    if a.is_ascii() && b.is_ascii() { ascii_less(a.as_bytes(), b.as_bytes()) } else { rune_less(a, b) }
}

fn ascii_less(a: &[u8], b: &[u8]) -> bool {
    let Some(at) = a.iter().zip(b).position(|(x, y)| x != y) else { return a.len() < b.len() };
    let (x, y) = (a[at], b[at]);
    match (x.is_ascii_alphabetic(), y.is_ascii_alphabetic()) {
        (true, true) => x < y,
        (true, false) | (false, true) => y.is_ascii_alphabetic(),
        (false, false) => {
            let digit = |b: &u8| char::from(*b);
            differ(at, &a.iter().map(digit).collect::<Vec<_>>(), &b.iter().map(digit).collect::<Vec<_>>())
        }
    }
}

fn rune_less(a: &str, b: &str) -> bool {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let Some(at) = a.iter().zip(&b).position(|(x, y)| x != y) else { return a.len() < b.len() };
    match (a[at].is_alphabetic(), b[at].is_alphabetic()) {
        (true, true) => a[at] < b[at],
        (true, false) | (false, true) => b[at].is_alphabetic(),
        (false, false) => differ(at, &a, &b),
    }
}

/// Two keys that differ first at a place where neither has a letter: by number, then by length of the number.
fn differ(at: usize, a: &[char], b: &[char]) -> bool {
    let mut lead = 0i64;
    if a[at] == '0' || b[at] == '0' {
        let digits = a[..at].iter().rev().take_while(|c| c.is_ascii_digit());
        lead = i64::from(digits.into_iter().any(|c| *c != '0'));
    }
    let run = |text: &[char]| {
        let digits = text[at..].iter().take_while(|c| c.is_ascii_digit());
        digits.fold((lead, 0usize), |(n, len), c| {
            (n.wrapping_mul(10).wrapping_add(i64::from(*c as u32 - '0' as u32)), len + 1)
        })
    };
    let ((x, x_len), (y, y_len)) = (run(a), run(b));
    match x.cmp(&y).then(x_len.cmp(&y_len)) {
        Ordering::Less => true,
        Ordering::Greater => false,
        Ordering::Equal => a[at] < b[at],
    }
}

#[cfg(test)]
mod tests {
    use super::sorted;

    #[track_caller]
    fn check(keys: &str) {
        let want: Vec<&str> = keys.split(' ').collect();
        let mut shuffled: Vec<(&str, ())> = want.iter().rev().map(|key| (*key, ())).collect();
        shuffled.rotate_left(want.len() / 2);
        let got: Vec<&str> = sorted(shuffled).into_iter().map(|(key, ())| key).collect();
        assert_eq!(got, want);
    }

    #[test]
    fn natural_order() {
        check("apiVersion kind metadata spec");
        check("A B a b");
        check("1 2 10 a");
        check("a a.b a1 a2 a10 aa");
        check("a-b a.b a/b a_b ab");
        check("x1 x01 x2 x10");
        check("é ü");
    }
}
