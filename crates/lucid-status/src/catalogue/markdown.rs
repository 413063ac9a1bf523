//! The catalogue as a page for people.

use std::fmt::Write as _;

use super::{FAMILIES, catalogue, family};
use crate::diagnosis::Class;

/// `docs/reference/findings.md`.
pub fn markdown() -> String {
    let mut page = String::from(
        "# Findings\n\nGenerated from the catalogue; `lucid explain L3002` prints one of them.\n\n\
         | class | meaning |\n|---|---|\n\
         | fatal | time alone will not repair it: the component fails at once |\n\
         | fatal after | fatal if it is still so after the grace |\n\
         | wait | the run goes on waiting, and says what for |\n\
         | symptom | something else is the cause; shown only with the others hidden behind it |\n\
         | advice | works, but could be better |\n",
    );
    for (first, title) in FAMILIES {
        let _ = write!(page, "\n## {title}\n");
        for entry in catalogue().iter().filter(|entry| family(entry.code) == title && entry.code.0 >= first) {
            let _ = write!(
                page,
                "\n### {code} {name}\n\n**{title}** ({class})\n\n- Seen as: {signal}\n- Cause: {cause}\n- What to do: {remedy}\n",
                code = entry.code,
                name = entry.name,
                title = entry.title,
                class = class_words(entry.class),
                signal = entry.signal,
                cause = entry.cause,
                remedy = entry.remedy,
            );
        }
    }
    page
}

/// A class, as a person would say it.
pub fn class_words(class: Class) -> String {
    match class {
        Class::FatalNow => "fatal".into(),
        Class::After(seconds) => format!("fatal after {seconds} s"),
        Class::Repeated(times) => format!("fatal after {times} times"),
        Class::Wait => "wait".into(),
        Class::Symptom => "symptom".into(),
        Class::Advice => "advice".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_its_heading_once() {
        let page = markdown();
        for entry in catalogue() {
            assert_eq!(page.matches(&format!("### {} ", entry.code)).count(), 1, "{}", entry.code);
        }
    }

    #[test]
    fn an_entry_reads_like_this() {
        let page = markdown();
        let start = page.find("### L4002").unwrap();
        let end = page[start..].find("### L4003").unwrap() + start;
        assert_eq!(
            page[start..end].trim_end(),
            "### L4002 MissingKey\n\n**a key that the pod asks for is not in the Secret or ConfigMap** (fatal)\n\n\
             - Seen as: waiting `CreateContainerConfigError`, \"couldn't find key K in Secret ns/name\"\n\
             - Cause: the object exists, but has no such key: a typo, or an older content\n\
             - What to do: add the key, or correct the name in `valueFrom`"
        );
    }
}
