//! Foreign text on its way in: control characters go, credentials in addresses are covered, length is bounded.

const LONGEST: usize = 1200;

/// What may be shown of a text that someone else wrote.
pub(crate) fn clean(foreign: &str) -> String {
    let mut text = String::with_capacity(foreign.len().min(LONGEST));
    for character in foreign.chars() {
        match character {
            '\n' | '\r' | '\t' => text.push(' '),
            _ if is_unprintable(character) => {}
            _ => text.push(character),
        }
        if text.len() >= LONGEST {
            text.push('…');
            break;
        }
    }
    cover_account(&cover_user_info(text.trim()))
}

/// Control characters, and those that reorder or hide what surrounds them.
fn is_unprintable(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// `https://user:pw@host` → `https://***@host`.
fn cover_user_info(text: &str) -> String {
    let mut covered = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        covered.push_str(before);
        let end = after.find(['/', ' ', '"', '\'', '?', '#', '\\']).unwrap_or(after.len());
        match after[..end].rfind('@') {
            Some(at) => {
                covered.push_str("***");
                rest = &after[at..];
            }
            None => rest = after,
        }
    }
    covered + rest
}

/// Docker Hub names the account and a token id in its rate limit message.
fn cover_account(text: &str) -> String {
    const MARK: &str = "rate limit as '";
    let Some(start) = text.find(MARK).map(|at| at + MARK.len()) else { return text.to_owned() };
    let Some(end) = text[start..].find('\'').map(|at| at + start) else { return text.to_owned() };
    let tail = text[end..].split(' ').map(|word| if word.starts_with("dckr_") { "***" } else { word });
    format!("{}***{}", &text[..start], tail.collect::<Vec<_>>().join(" "))
}

/// What stands between two marks, if both are there.
pub(crate) fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let start = text.find(before)? + before.len();
    let end = text[start..].find(after)? + start;
    Some(&text[start..end]).filter(|inner| !inner.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(foreign: &str, expect: &str) {
        assert_eq!(clean(foreign), expect);
    }

    #[test]
    fn control_characters_go() {
        check("a\u{1b}[31mred\u{7}\u{202e}b", "a[31mredb");
        check(" two\nlines\r\n", "two lines");
    }

    #[test]
    fn credentials_in_addresses_are_covered() {
        check("Head \"https://bob:s3cret@r.example/v2/x\": 401", "Head \"https://***@r.example/v2/x\": 401");
        check("https://a@b@host/x http://c:d@e", "https://***@host/x http://***@e");
        check("https://host/path@sha256:abc", "https://host/path@sha256:abc");
    }

    #[test]
    fn a_docker_hub_account_is_covered() {
        check(
            "you reached your pull rate limit as 'joe': dckr_jti_9 stop",
            "you reached your pull rate limit as '***': *** stop",
        );
    }

    #[test]
    fn length_is_bounded() {
        assert!(clean(&"x".repeat(100_000)).len() < 1300);
        assert!(clean(&"é".repeat(100_000)).len() < 1300);
    }

    #[test]
    fn between_two_marks() {
        assert_eq!(between("secret \"a\" not found", "secret \"", "\""), Some("a"));
        assert_eq!(between("secret \"a", "secret \"", "\""), None);
    }
}
