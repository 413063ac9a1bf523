//! Every `lucid` command line of the workflows is one that this program takes.

use clap::Parser;

use super::Cli;

const WORKFLOW: &str = include_str!("../../../../.github/workflows/deploy-production.yml");
const NOTIFY: &str = include_str!("../../../../.github/scripts/notify");

/// How a step names the images that the run has built, if it has built any.
const IMAGES: &str = "${IMAGES:+--images \"$IMAGES\"}";

/// The command lines, with values in place of the shell's variables.
fn command_lines() -> Vec<Vec<String>> {
    // A line that ends in a backslash goes on; an expansion that may be empty is not.
    let whole = format!("{WORKFLOW}\n{NOTIFY}").replace("\\\n", " ").replace(IMAGES, "--images images.txt");
    let after = |line: &str| {
        let start = ["run-lucid ", "\"$LUCID\" "].into_iter().find_map(|start| line.split_once(start));
        start.map(|(_, rest)| rest.to_owned())
    };
    let words = |line: String| {
        let line = line.split(['>', '|']).next().unwrap_or_default();
        let words = line.split_whitespace().filter(|word| !word.contains("[@]"));
        let filled = words.map(|word| match word {
            "\"$ON_FAILURE\"" => "stop",
            "\"$EVENT\"" => "failure",
            "\"${BAKE_MINUTES}m\"" => "5m",
            word => word,
        });
        filled.map(|word| word.trim_matches('"').to_owned()).collect()
    };
    whole.lines().filter_map(after).map(words).collect()
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
        "deploy production --component redis --plan plan.json --bake 0m --on-failure rollback",
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

/// What is planned, deployed and looked at afterwards are the images that were built, and not those that the files name.
#[test]
fn whoever_reads_the_manifests_is_told_the_images() {
    for line in command_lines() {
        let wants = ["plan", "deploy", "health", "status"].contains(&line[0].as_str());
        assert_eq!(line.windows(2).any(|pair| pair == ["--images", "images.txt"]), wants, "{}", line.join(" "));
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
