//! Every `lucid` command line of the workflows is one that this program takes.

use clap::Parser;

use super::Cli;

const WORKFLOW: &str = include_str!("../../../../.github/workflows/deploy-production.yml");
const NOTIFY: &str = include_str!("../../../../.github/scripts/notify");

/// The command lines, with values in place of the shell's variables.
fn command_lines() -> Vec<Vec<String>> {
    let after = |line: &'static str| {
        ["run-lucid ", "\"$LUCID\" "].into_iter().find_map(|start| line.split_once(start)).map(|(_, rest)| rest)
    };
    let words = |line: &str| {
        let line = line.trim_end_matches('\\').split(['>', '|']).next().unwrap_or_default();
        let words = line.split_whitespace().filter(|word| !word.contains("[@]"));
        let filled = words.map(|word| match word {
            "\"$ON_FAILURE\"" => "stop",
            "\"$EVENT\"" => "failure",
            word => word,
        });
        filled.map(|word| word.trim_matches('"').to_owned()).collect()
    };
    WORKFLOW.lines().chain(NOTIFY.lines()).filter_map(after).map(words).collect()
}

#[test]
fn the_program_takes_what_the_workflow_asks() {
    let lines = command_lines();
    let asked: Vec<&str> = lines.iter().filter_map(|line| line.first()).map(String::as_str).collect();
    for command in ["validate", "plan", "deploy", "health", "rollback", "status", "why", "notify"] {
        assert!(asked.contains(&command), "the workflow never runs lucid {command}: {asked:?}");
    }
    for line in lines {
        let parsed = Cli::try_parse_from(std::iter::once("lucid").chain(line.iter().map(String::as_str)));
        assert!(parsed.is_ok(), "lucid {}: {}", line.join(" "), parsed.expect_err("not taken"));
    }
}

#[test]
fn the_optional_words_are_flags_of_their_commands() {
    for line in [
        "plan production --component redis --out plan.json -o markdown",
        "deploy production --component redis --plan plan.json --on-failure rollback",
        "rollback --component redis --to 3 --dry-run=server",
        "notify rollback production --component=redis --detail=--x --result result.json --reason=--y --link=https://a.example",
    ] {
        let parsed = Cli::try_parse_from(std::iter::once("lucid").chain(line.split(' ')));
        assert!(parsed.is_ok(), "{line}: {}", parsed.expect_err("not taken"));
    }
    for flags in ["--component \"$COMPONENT\"", "--to \"$REVISION\"", "--dry-run=server"] {
        assert!(WORKFLOW.contains(flags), "{flags}");
    }
}

/// The workflow goes back from a stopped run only when the run had sent something.
#[test]
fn the_event_that_the_workflow_looks_for_is_one_that_is_written() {
    let event = lucid_engine::Event::Started { component: "redis".to_owned() };
    let line = serde_json::to_string(&lucid_engine::Stamped { at_ms: 0, event }).expect("JSON");
    let quoted = WORKFLOW.split("grep --quiet '").nth(1).and_then(|rest| rest.split('\'').next()).expect("the pattern");
    assert!(line.contains(quoted), "{line} lacks {quoted}");
}
