//! Replacements into YAML with comments that a ConfigMap carries, beside kustomize: what we write, it writes. Where a
//! comment could belong to one thing or another we refuse, and not too often.
//!
//! Without `LUCID_TEST_TOOLS` we render alone. `LUCID_SOAK` asks for the large number; `LUCID_SEED` for one text.

use crate::figure::figure;
use crate::random::{alone, beside, ours, shrink};
use crate::support::oracle::Oracle;
use crate::support::random::Dice;
use crate::support::{Case, Golden};
use lucid_kustomize::Order;

const FEW: u64 = 800;
const MANY: u64 = 20_000;

const REFUSED: &str = "comments whose place";

/// A text as people write it: two blanks a level, comments above and behind lines, blank lines now and then, and some
/// comments where nobody would put them.
struct Text {
    dice: Dice,
    out: String,
    /// How many percent of the comments stand askew.
    askew: usize,
}

impl Text {
    fn of(seed: u64) -> String {
        let mut dice = Dice::new(seed);
        let askew = if dice.chance(70) { 0 } else { 25 };
        let mut text = Self { dice, out: String::new(), askew };
        if text.dice.chance(30) {
            text.comment(0);
            if text.dice.chance(60) {
                text.out.push('\n');
            }
        }
        text.map(0, 0, true);
        if text.dice.chance(20) {
            text.comment(0);
        }
        text.out
    }

    fn comment(&mut self, indent: usize) {
        let words = ["# one", "#two", "# three # four ", "#", "# ", "##", "# a: b", "# - c", "# 'x"];
        for _ in 0..1 + self.dice.below(2) {
            let askew = if self.dice.chance(self.askew) { self.dice.below(5) } else { indent };
            let words = self.dice.pick(&words);
            self.out.push_str(&format!("{}{words}\n", " ".repeat(askew)));
        }
    }

    fn above(&mut self, indent: usize) {
        if self.dice.chance(12) {
            self.out.push('\n');
        }
        if self.dice.chance(25) {
            self.comment(indent);
            if self.dice.chance(self.askew) {
                self.out.push('\n');
            }
        }
    }

    fn behind(&mut self) {
        if self.dice.chance(20) {
            let words = self.dice.pick(&[" # behind", "   #far", " # it's", " #"]);
            self.out.push_str(words);
        }
        self.out.push('\n');
    }

    fn map(&mut self, indent: usize, depth: usize, is_root: bool) {
        let pad = " ".repeat(indent);
        let hit = self.dice.below(3);
        for index in 0..1 + self.dice.below(4) {
            if index > 0 || is_root {
                self.above(indent);
                self.out.push_str(&pad);
            }
            let key = if is_root && index == hit { "b".to_owned() } else { format!("k{index}") };
            self.out.push_str(&key);
            self.out.push(':');
            match is_root && index == hit {
                true => self.target(indent),
                false => self.value(indent, depth + 1),
            }
        }
        if is_root {
            self.out.push_str("z:\n  c: old");
            self.behind();
        }
    }

    fn target(&mut self, indent: usize) {
        self.behind();
        self.above(indent + 2);
        self.out.push_str("  c: old");
        self.behind();
    }

    fn value(&mut self, indent: usize, depth: usize) {
        match self.dice.below(if depth > 3 { 7 } else { 10 }) {
            0 => {
                self.out.push_str(" |\n");
                let pad = " ".repeat(indent + 2);
                self.out.push_str(&format!("{pad}text # no comment\n{pad}# none either\n"));
            }
            1..7 => {
                let values = ["1", "x", "'a # b'", "\"c # d\"", "[1, 2]", "{a: b}", "a#b", "", "~", "{}"];
                let value = self.dice.pick(&values);
                self.out.push_str(&format!(" {value}"));
                self.behind();
            }
            7 => {
                self.behind();
                let pad = " ".repeat(indent);
                for _ in 0..1 + self.dice.below(3) {
                    self.above(indent);
                    self.out.push_str(&format!("{pad}- "));
                    match self.dice.chance(60) {
                        true => {
                            self.out.push_str("item");
                            self.behind();
                        }
                        false => self.map(indent + 2, depth + 1, false),
                    }
                }
            }
            _ => {
                self.behind();
                self.above(indent + 2);
                self.out.push_str(&" ".repeat(indent + 2));
                self.map(indent + 2, depth + 1, false);
            }
        }
    }
}

fn case(text: &str, create: bool) -> Case {
    let indented: String = text.lines().map(|line| format!("    {line}\n")).collect();
    let path = if create { "b.new" } else { "z.c" };
    let kustomization = format!(
        "resources: [c.yaml]\nreplacements:\n- sourceValue: new\n  targets:\n  - select: {{kind: ConfigMap}}\n    \
         fieldPaths: ['data.conf\\.yaml.{path}']\n    options: {{create: {create}}}\n"
    );
    let config = format!("kind: ConfigMap\nmetadata: {{name: conf}}\ndata:\n  conf.yaml: |\n{indented}");
    let files = vec![("kustomization.yaml".into(), kustomization), ("c.yaml".into(), config)];
    Case::of(files, Golden::Missing)
}

fn is_refused(case: &Case) -> bool {
    ours(case, Order::Legacy).is_err_and(|findings| findings.errors().any(|error| error.message.contains(REFUSED)))
}

#[test]
fn comments_beside_go_yaml() {
    let mut oracle = Oracle::from_environment();
    let count = if std::env::var_os("LUCID_SOAK").is_some() { MANY } else { FEW };
    let one = std::env::var("LUCID_SEED").ok().and_then(|seed| seed.parse::<u64>().ok());
    let stop = std::env::var("LUCID_FAILURES").ok().and_then(|n| n.parse().ok()).unwrap_or(5);
    let (mut failures, mut refused) = (Vec::new(), 0u64);
    for seed in one.map_or(1..=count, |seed| seed..=seed) {
        let case = case(&Text::of(seed), seed % 4 == 0);
        let mut check = |case: &Case| match &mut oracle {
            _ if is_refused(case) => Ok(()),
            Some(oracle) => beside(case, oracle),
            None => alone(case),
        };
        refused += u64::from(is_refused(&case));
        if let Err(failure) = check(&case) {
            let small = shrink(case, &mut |candidate| check(candidate).is_err());
            let again = check(&small).err().unwrap_or_default();
            failures.push(format!("seed {seed}: {failure}\nshrunk:\n{}\n{again}", small.text()));
        }
        if failures.len() >= stop {
            break;
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n==========\n"));
    figure(&format!("{count} texts with comments edited, {refused} of them refused"));
}
