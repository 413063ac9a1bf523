//! `lucid images`: every image of the release, looked for in its registry before anything depends on it.

mod before;
mod look;
mod pin;
mod trust;

use std::collections::BTreeMap;

use lucid_images::{Error, Keychain, Platform, Reference, Registries, Trust};
use lucid_object::{Finding, Findings, Severity};
use serde_json::{Value, json};

use crate::cli::{Format, Global, Images, ImagesCommand, Lookup};
use crate::commands::{block_on, connect};
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::manifests;
use crate::output::Outlet;

use look::{Answered, Detail, Used};
use trust::{Rules, Trust as Judged};

pub(crate) use before::Before;

pub(crate) fn run(global: &Global, args: &Images, outlet: &Outlet) -> Result<Exit> {
    match &args.command {
        Some(ImagesCommand::Pin(pin)) => pin::run(global, pin, outlet),
        None => show(global, &args.lookup, outlet),
    }
}

fn show(global: &Global, args: &Lookup, outlet: &Outlet) -> Result<Exit> {
    let manifests = manifests::load(global, &args.source)?;
    super::keep_secrets(outlet, &manifests.objects);
    outlet.findings(manifests.warnings.iter());
    let used = look::used(&manifests.objects);
    let rules = Rules::of(&manifests.release, &manifests.home)?;
    let answers = answers(global, args, &used, &rules, outlet)?;
    let mut findings = Findings::default();
    findings.extend(findings_of(&answers));
    match args.output {
        Format::Json => outlet.json(&object(&manifests.name, &answers, &findings)),
        Format::Text => {
            outlet.result(&table(&answers));
            outlet.findings(findings.iter());
        }
    }
    Ok(verdict(&findings, args.strict))
}

/// Looks all of them up, on the platforms that were named or that the cluster's nodes have.
fn answers<'a>(
    global: &Global,
    args: &Lookup,
    used: &'a [Used],
    rules: &Rules,
    outlet: &Outlet,
) -> Result<Vec<Answered<'a>>> {
    let mut platforms = args.platforms.clone();
    let mut keychain = look::keychain()?;
    block_on(async {
        if args.nodes {
            let client = connect(global).await?.client;
            platforms.extend(look::platforms_of_nodes(&client).await?);
            look::add_pull_secrets(&mut keychain, &client, used, outlet).await?;
        }
        platforms.sort();
        platforms.dedup();
        let registries = Registries::new(keychain, &trust(args)?);
        let wanted = look::Wanted { platforms: &platforms, detail: Detail::Whole, rules };
        Ok(look::ask(&registries, used, &wanted, args.timeout.0).await)
    })
}

fn trust(args: &Lookup) -> Result<Trust> {
    let read = |path: &std::path::PathBuf| {
        std::fs::read(path).map_err(|error| Failure::usage(format!("read {}: {error}", path.display())))
    };
    let authorities = args.registry_ca.as_ref().map(read).transpose()?;
    Ok(Trust { authorities: authorities.unwrap_or_default() })
}

/// How many images a finding about several of them names.
const NAMED: usize = 3;

/// What the answers mean for the release. A registry that says the same of several images, or nothing, is one finding.
fn findings_of(answers: &[Answered]) -> Vec<Finding> {
    let mut silent: BTreeMap<(String, String), Vec<&Answered>> = BTreeMap::new();
    let mut findings = Vec::new();
    for answered in answers {
        match &answered.answer {
            Err(error) if error.is_unknown() && answered.trust.is_none() => {
                let host = Reference::parse(&answered.used.image).map(|reference| reference.host).unwrap_or_default();
                silent.entry((host, error.to_string())).or_default().push(answered);
            }
            _ => findings.extend(finding(answered)),
        }
    }
    findings.extend(silent.into_iter().filter_map(|((host, said), images)| match images.as_slice() {
        [] => None,
        [one] => finding(one),
        [first, ..] => Some(Finding { message: unknown(&host, &images), evidence: vec![said], ..finding(first)? }),
    }));
    findings
}

fn unknown(host: &str, images: &[&Answered]) -> String {
    let names: Vec<&str> = images.iter().take(NAMED).map(|answered| answered.used.image.as_str()).collect();
    let rest = match images.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("nothing is known of {} images of {host}: {}{rest}", images.len(), names.join(", "))
}

/// What an answer means for the release: none when all is well.
fn finding(answered: &Answered) -> Option<Finding> {
    let image = &answered.used.image;
    let place = |finding: Finding| finding.on(answered.used.object.clone()).at(answered.used.position.clone());
    match &answered.answer {
        Ok(_) if !answered.missing.is_empty() => {
            let names: Vec<String> = answered.missing.iter().map(Platform::to_string).collect();
            let message = format!("image {image} does not exist for {}", names.join(" and "));
            Some(place(Finding::error(3001, message)).help("build it for every architecture of the nodes"))
        }
        Ok(found) => untrusted(image, &found.digest, answered.trust.as_ref()?).map(place),
        // Of what must be signed, not to know is not enough.
        Err(error) if answered.trust.is_some() => Some(place(nobody_knows(image, error))),
        Err(error) => Some(place(unanswered(image, error))),
    }
}

fn nobody_knows(image: &str, error: &Error) -> Finding {
    Finding::error(3009, format!("nobody knows whether image {image} is signed as the release wants it"))
        .seen(error.to_string())
        .help("ask again when the registry answers; --no-images deploys without asking, on your own head")
}

fn untrusted(image: &str, digest: &str, trust: &Judged) -> Option<Finding> {
    let unsigned = format!("image {image} is not signed as the release wants it");
    match trust {
        Judged::Signed(_) => None,
        Judged::Not(untrusted) if untrusted.why.is_empty() => Some(
            Finding::error(3009, unsigned)
                .seen(format!("no Sigstore bundle in the registry refers to {digest}"))
                .help("sign it and push the bundle beside it, or correct spec.images.trust in lucid.yaml"),
        ),
        Judged::Not(untrusted) => Some(
            untrusted.why.iter().fold(Finding::error(3009, unsigned), |finding, why| finding.seen(why.clone())).help(
                "use an image that was signed by whom the release trusts, or correct spec.images.trust in lucid.yaml",
            ),
        ),
        Judged::Unknown(error) => Some(nobody_knows(image, error)),
    }
}

fn unanswered(image: &str, error: &Error) -> Finding {
    let said = error.to_string();
    match error {
        Error::Missing { .. } => {
            Finding::error(3002, format!("image {image} does not exist")).seen(said).help(match image.split_once('@') {
                Some((tag, _)) => {
                    format!("push it again, or name the one that {tag} is now, with --images or `lucid images pin`")
                }
                None => "push the image, or correct the reference".to_owned(),
            })
        }
        Error::Refused { host, .. } => Finding::error(3003, format!("{host} refuses the credentials for {image}"))
            .seen(said)
            .help(format!("log in to {host}, or give the pods a pull secret for it and ask with --nodes")),
        Error::Reference(_) => Finding::error(3007, format!("`{image}` is no image reference")).help("correct it"),
        Error::Wrong { .. } | Error::Status { status: ..500, .. } => {
            Finding::error(3000, format!("image {image} cannot be pulled"))
                .seen(said)
                .help("ask whoever runs the registry")
        }
        Error::RateLimited { host } => {
            Finding::warning(3004, format!("{host} limits how often it may be asked: nothing is known of {image}"))
                .help("log in there, or ask later")
        }
        _ => Finding::warning(3005, format!("nothing is known of image {image}"))
            .seen(said)
            .help("check the network and the registry; --strict makes this an error"),
    }
}

fn verdict(findings: &Findings, strict: bool) -> Exit {
    let unknown = findings.iter().any(|finding| finding.severity == Severity::Warning);
    match (findings.has_errors(), strict && unknown) {
        (true, _) => Exit::Refused,
        (false, true) => Exit::PartlyChecked,
        (false, false) => Exit::Done,
    }
}

fn object(source: &str, answers: &[Answered], findings: &Findings) -> Value {
    let image = |answered: &Answered| match &answered.answer {
        Ok(found) => json!({
            "image": answered.used.image, "state": "found", "digest": found.digest, "pinned": answered.pinned(),
            "platforms": found.platforms.iter().map(Platform::to_string).collect::<Vec<_>>(),
            "size": found.size, "created": found.created, "usedBy": answered.users,
            "signature": match &answered.trust {
                None => "not asked for",
                Some(Judged::Signed(_)) => "good",
                Some(Judged::Not(_)) => "refused",
                Some(Judged::Unknown(_)) => "unknown",
            },
            "signedBy": match &answered.trust {
                Some(Judged::Signed(by)) => json!(by),
                _ => Value::Null,
            },
        }),
        Err(error) => json!({
            "image": answered.used.image, "state": if error.is_unknown() { "unknown" } else { "error" },
            "message": error.to_string(), "usedBy": answered.users,
        }),
    };
    json!({
        "apiVersion": lucid_report::result::VERSION, "kind": "Images", "source": source,
        "images": answers.iter().map(image).collect::<Vec<_>>(), "findings": findings,
    })
}

fn table(answers: &[Answered]) -> String {
    let width = answers.iter().map(|answered| answered.used.image.len()).max().unwrap_or(0);
    let mut text = String::new();
    for answered in answers {
        let said = match &answered.answer {
            Ok(found) => {
                let platforms: Vec<String> = found.platforms.iter().map(Platform::to_string).collect();
                let size = found.size.map(megabytes).unwrap_or_default();
                let created = found.created.as_deref().and_then(|time| time.split('T').next()).unwrap_or_default();
                let signed = match &answered.trust {
                    Some(Judged::Signed(by)) => format!("  signed by {by}"),
                    _ => String::new(),
                };
                format!("{}  {}  {size}  {created}{signed}", short(&found.digest), platforms.join(","))
            }
            Err(error) => error.to_string(),
        };
        text.push_str(&format!("{:<width$}  {}\n", answered.used.image, said.trim_end()));
    }
    let found = answers.iter().filter(|answered| answered.answer.is_ok()).count();
    text + &format!("{found} of {} images found\n", answers.len())
}

fn short(digest: &str) -> &str {
    digest.get(..19).unwrap_or(digest)
}

fn megabytes(size: u64) -> String {
    format!("{:.1} MB", size as f64 / 1e6)
}

/// Under CI a configuration that was checked out must not choose a program.
fn is_ci() -> bool {
    std::env::var_os("CI").is_some()
}

fn empty_keychain() -> Keychain {
    Keychain::default().with_known_helpers_only(is_ci())
}
