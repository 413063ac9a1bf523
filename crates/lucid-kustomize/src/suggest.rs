//! "Did you mean": the nearest of some known names.

/// No name of Kubernetes is longer.
const LONGEST: usize = 253;

/// The known name nearest to `wrong`, if one is near enough to be a slip of the pen.
pub(crate) fn nearest<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (wrong.chars().count() / 3).clamp(1, 3);
    known
        .into_iter()
        .take(2000)
        .filter(|name| name.len().abs_diff(wrong.len()) <= 2 * limit && wrong.len() <= LONGEST)
        .map(|name| (distance(&wrong.to_lowercase(), &name.to_lowercase()), name))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// Edits (insert, delete, replace, swap of neighbours) between two words.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows: [Vec<usize>; 3] = [vec![0; b.len() + 1], (0..=b.len()).collect(), vec![0; b.len() + 1]];
    for i in 1..=a.len() {
        rows[2][0] = i;
        for j in 1..=b.len() {
            let replace = rows[1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = replace.min(rows[1][j] + 1).min(rows[2][j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[0][j - 2] + 1);
            }
            rows[2][j] = best;
        }
        rows.rotate_left(1);
    }
    rows[1][b.len()]
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn slips_are_found_and_strangers_are_not() {
        let known = ["resources", "namePrefix", "nameSuffix", "patches", "replicas"];
        for (wrong, want) in [
            ("resource", Some("resources")),
            ("resuorces", Some("resources")),
            ("nameprefx", Some("namePrefix")),
            ("patchs", Some("patches")),
            ("helm", None),
            ("x", None),
        ] {
            assert_eq!(nearest(wrong, known), want, "{wrong}");
        }
    }
}
