//! The command line. Flags are kubectl's where kubectl has one.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use lucid_release::Span;

#[cfg(test)]
mod workflows;

/// Take a whole system from manifests to verified running on Kubernetes.
#[derive(Debug, Parser)]
#[command(name = "lucid", version, max_term_width = 100, propagate_version = true, disable_help_subcommand = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

impl Cli {
    /// What the arguments ask for. For `render` the options of the other commands are left out at first: to make all of them
    /// takes longer than to render a folder. Whatever is no order to render is read by the whole command line.
    pub(crate) fn read() -> Result<Self, clap::Error> {
        if std::env::args_os().nth(1).is_some_and(|word| word == "render")
            && let Ok(OnlyRender { global, command: Rendering::Render(render) }) = OnlyRender::try_parse()
        {
            return Ok(Self { global, command: Command::Render(render) });
        }
        Self::try_parse()
    }
}

/// The command line as far as `render` goes.
#[derive(Parser)]
#[command(name = "lucid", disable_help_flag = true, disable_help_subcommand = true)]
struct OnlyRender {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Rendering,
}

#[derive(Subcommand)]
enum Rendering {
    Render(Render),
}

/// Options that every command knows.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Global {
    /// The release file; default: lucid.yaml in this folder or the nearest one above
    #[arg(short, long, global = true, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// The kubeconfig; default: $KUBECONFIG, else ~/.kube/config
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) kubeconfig: Option<PathBuf>,
    /// The kubeconfig context to use
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) context: Option<String>,
    /// The kubeconfig cluster to use; with `validate`, also ask it what it would object to
    #[arg(long, global = true, value_name = "NAME", num_args = 0..=1, default_missing_value = "")]
    pub(crate) cluster: Option<String>,
    /// The kubeconfig user to use
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) user: Option<String>,
    /// User to impersonate
    #[arg(long = "as", global = true, value_name = "USER")]
    pub(crate) impersonate: Option<String>,
    /// Group to impersonate; may be repeated
    #[arg(long = "as-group", global = true, value_name = "GROUP")]
    pub(crate) impersonate_groups: Vec<String>,
    /// Namespace of the record, and of objects that name none
    #[arg(short, long, global = true, value_name = "NAME")]
    pub(crate) namespace: Option<String>,
    /// When to use colours
    #[arg(long, global = true, value_enum, default_value_t = When::Auto, value_name = "WHEN")]
    pub(crate) color: When,
    /// How progress is shown
    #[arg(long, global = true, value_enum, default_value_t = Progress::Auto, value_name = "HOW")]
    pub(crate) progress: Progress,
    /// Format of the log on stderr
    #[arg(long, global = true, value_enum, default_value_t = LogFormat::Text, value_name = "FORMAT")]
    pub(crate) log_format: LogFormat,
    /// Say more on stderr; -vv says every request
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// Answer yes to every question
    #[arg(short, long, global = true)]
    pub(crate) yes: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum When {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Progress {
    /// A live view on a terminal, lines elsewhere
    Auto,
    Tty,
    Plain,
    /// One JSON event a line, on stderr
    Json,
    Quiet,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    Text,
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    Text,
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum RehearseFormat {
    Text,
    Json,
    /// One self-contained page
    Html,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Print what `kustomize build` prints, byte for byte
    Render(Render),
    /// Find every mistake that can be found without changing anything
    Validate(Validate),
    /// What would change, field by field; exit code 6 when there is something
    Plan(Plan),
    /// Deploy: check, apply in graph order, wait, verify, record
    Deploy(Deploy),
    /// Go back to what served before, or to a revision
    Rollback(Rollback),
    /// Remove the release in reverse order; data stays
    Cleanup(Cleanup),
    /// The release's runs and revisions
    History(History),
    /// What differs between two revisions, or between one and the cluster
    Diff(Diff),
    /// What failed in the last run that failed, or in a given one, from the recorded evidence
    Why(Why),
    /// Show where each component stands now
    Status(Status),
    /// Check the whole system: components, endpoints, and everything that they depend on
    Health(Health),
    /// Deploy to a simulated Kubernetes in this process, break a component on purpose, and roll back
    Rehearse(Rehearse),
    /// A simulated Kubernetes on a loopback port, for kubectl, helm and any other client
    Sim(SimArgs),
    /// Write the live cluster to a file for `rehearse --from` and `sim --state`, without any value of a Secret
    Snapshot(Snapshot),
    /// Look for every image in its registry: existence, digest, platforms
    Images(Images),
    /// Tell those whom lucid.yaml names how a run went
    Notify(Notify),
    /// First-time secrets
    Secrets(Secrets),
    /// Print the least privileges that the deployer needs
    Rbac(Rbac),
    /// Explain a finding code, like L3002
    Explain(Explain),
    /// Print the shell completion script
    Completion(Completion),
    /// Print the version
    Version(Version),
    /// Write the generated reference
    #[command(hide = true)]
    Reference(Reference),
    /// Write the manual pages and completions that a release carries
    #[command(hide = true)]
    Pages(Pages),
}

#[derive(Debug, Args)]
pub(crate) struct Pages {
    /// Where they are written: `man/` and `completions/`
    pub(crate) folder: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct Reference {
    /// Where the reference stands
    #[arg(default_value = "docs/reference")]
    pub(crate) folder: PathBuf,
    /// Write nothing; fail when something would change
    #[arg(long)]
    pub(crate) check: bool,
}

/// An overlay of the release file, or a folder.
#[derive(Debug, Clone, Args)]
pub(crate) struct Source {
    /// An overlay of lucid.yaml, or a folder with manifests; may be left out when there is only one
    #[arg(value_name = "OVERLAY|DIR")]
    pub(crate) source: Option<String>,
    /// Run these images: each line NAME=sha256:DIGEST is the digest of every image whose name ends in NAME
    #[arg(long, value_name = "FILE")]
    pub(crate) images: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) outside: Outside,
}

/// What rendering may use beside local files.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Rendering options")]
pub(crate) struct Outside {
    /// Load remote bases with git, and files behind URLs with curl
    #[arg(long)]
    pub(crate) allow_remote: bool,
    /// Let helm inflate the charts that a kustomization names
    #[arg(long)]
    pub(crate) enable_helm: bool,
    /// The helm program
    #[arg(long, default_value = "helm", value_name = "PROGRAM")]
    pub(crate) helm_command: PathBuf,
    /// The Kubernetes version that charts are told, where they name none
    #[arg(long, value_name = "VERSION")]
    pub(crate) helm_kube_version: Option<String>,
    /// An API version that charts are told, where they name none; may be repeated
    #[arg(long, value_name = "VERSION")]
    pub(crate) helm_api_versions: Vec<String>,
    /// Have helm say more
    #[arg(long)]
    pub(crate) helm_debug: bool,
    /// How many MiB rendering may add to what it reads (aliases, bases used again, copied values)
    #[arg(long, default_value_t = 64, value_name = "MIB")]
    pub(crate) max_growth: usize,
    /// How many seconds rendering may take, git and helm aside
    #[arg(long, default_value_t = 60, value_name = "SECONDS")]
    pub(crate) max_time: u64,
}

#[derive(Debug, Args)]
pub(crate) struct Render {
    #[command(flatten)]
    pub(crate) source: Source,
    /// Write to this file instead of stdout; into a folder that is there, one file an object
    #[arg(short, long, value_name = "FILE|DIR")]
    pub(crate) output: Option<PathBuf>,
    /// Print before each line the file and line that last set it
    #[arg(long, conflicts_with = "output")]
    pub(crate) origins: bool,
    /// Order of the objects
    #[arg(long, value_enum, default_value_t = Reorder::Legacy)]
    pub(crate) reorder: Reorder,
    /// Whether files may lie outside of the kustomization's folder
    #[arg(long, value_enum, default_value_t = Restrictor::RootOnly, value_name = "WHICH")]
    pub(crate) load_restrictor: Restrictor,
    /// Add the label app.kubernetes.io/managed-by to everything
    #[arg(long)]
    pub(crate) enable_managedby_label: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Reorder {
    Legacy,
    None,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Restrictor {
    #[value(name = "LoadRestrictionsRootOnly")]
    RootOnly,
    #[value(name = "LoadRestrictionsNone")]
    None,
}

#[derive(Debug, Args)]
pub(crate) struct Validate {
    #[command(flatten)]
    pub(crate) source: Source,
    #[arg(short, long, value_enum, default_value_t = ValidateFormat::Text)]
    pub(crate) output: ValidateFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ValidateFormat {
    Text,
    Json,
    /// SARIF 2.1.0, for code scanning
    Sarif,
    /// Annotations of a GitHub workflow
    Github,
}

/// What is planned or deployed.
#[derive(Debug, Args)]
pub(crate) struct Part {
    #[command(flatten)]
    pub(crate) source: Source,
    /// Only this component; what it needs must be ready
    #[arg(long, value_name = "NAME")]
    pub(crate) component: Option<String>,
    /// What the component needs as well
    #[arg(long, requires = "component")]
    pub(crate) with_needs: bool,
    /// Adopt objects that exist and do not belong to this release
    #[arg(long)]
    pub(crate) take_ownership: bool,
    /// Do not look for images in their registries; `images.check: false` of the release file does the same
    #[arg(long)]
    pub(crate) no_images: bool,
    /// Refuse also when nothing is known of an image, because its registry does not answer
    #[arg(long, conflicts_with = "no_images")]
    pub(crate) strict: bool,
    /// Delete this object and make it anew, if it cannot be changed into what is wanted; may be repeated
    #[arg(long, value_name = "KIND/NAME")]
    pub(crate) allow_replace: Vec<String>,
}

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Images {
    #[command(flatten)]
    pub(crate) lookup: Lookup,
    #[command(subcommand)]
    pub(crate) command: Option<ImagesCommand>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ImagesCommand {
    /// Write the digest that each image has now to the line that names it
    Pin(Pin),
}

#[derive(Debug, Args)]
pub(crate) struct Pin {
    #[command(flatten)]
    pub(crate) lookup: Lookup,
    /// Write nothing; say what would change
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// Which images are looked for, and how.
#[derive(Debug, Args)]
pub(crate) struct Lookup {
    #[command(flatten)]
    pub(crate) source: Source,
    /// A platform that every image must have, such as linux/arm64; may be repeated
    #[arg(long = "platform", value_name = "OS/ARCH", value_parser = platform)]
    pub(crate) platforms: Vec<lucid_images::Platform>,
    /// Ask the cluster for the platforms of its nodes and for the pods' pull secrets
    #[arg(long)]
    pub(crate) nodes: bool,
    /// Certificate authorities that are believed besides the system's, as PEM
    #[arg(long, value_name = "FILE")]
    pub(crate) registry_ca: Option<PathBuf>,
    /// How long all look-ups may take together
    #[arg(long, default_value = "30s", value_name = "DURATION")]
    pub(crate) timeout: Span,
    /// Exit with 7 when nothing is known of an image
    #[arg(long)]
    pub(crate) strict: bool,
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    pub(crate) output: Format,
}

fn platform(text: &str) -> Result<lucid_images::Platform, String> {
    match text.split_once('/') {
        Some((os, architecture)) if !os.is_empty() && !architecture.is_empty() && !architecture.contains('/') => {
            Ok(lucid_images::Platform { os: os.to_owned(), architecture: architecture.to_owned() })
        }
        _ => Err("expected a system and an architecture, such as linux/arm64".to_owned()),
    }
}

#[derive(Debug, Args)]
pub(crate) struct Deploy {
    #[command(flatten)]
    pub(crate) part: Part,
    /// Run this plan, and only it: refused when manifests or cluster lead to another one by now
    #[arg(long, value_name = "FILE")]
    pub(crate) plan: Option<PathBuf>,
    /// Write nothing and say what would happen; with `server`, the server tries every change
    #[arg(long, value_enum, num_args = 0..=1, default_value_t = DryRunMode::None, default_missing_value = "client", require_equals = true, value_name = "WHERE")]
    pub(crate) dry_run: DryRunMode,
    /// How long the whole run may take; default: the release file's deadline
    #[arg(long, value_name = "DURATION")]
    pub(crate) timeout: Option<Span>,
    /// How long to watch the release after it was verified; a regression in that time is a failed deploy
    #[arg(long, value_name = "DURATION")]
    pub(crate) bake: Option<Span>,
    /// What happens when a component fails; default: `onFailure` of the release file
    #[arg(long, value_enum, value_name = "WHAT")]
    pub(crate) on_failure: Option<OnFailure>,
    /// Do not ask the components' health endpoints
    #[arg(long)]
    pub(crate) no_verify: bool,
    /// Write the events of the run to this file, one JSON object a line
    #[arg(long, value_name = "FILE")]
    pub(crate) events: Option<PathBuf>,
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    pub(crate) output: Format,
}

#[derive(Debug, Args)]
pub(crate) struct Plan {
    #[command(flatten)]
    pub(crate) part: Part,
    /// Write the plan to this file, for `lucid deploy --plan FILE`
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Refuse when something in the plan cannot be taken back
    #[arg(long)]
    pub(crate) require_reversible: bool,
    #[arg(short, long, value_enum, default_value_t = PlanFormat::Text)]
    pub(crate) output: PlanFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum PlanFormat {
    Text,
    Json,
    Markdown,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum OnFailure {
    /// Bring back the revision that served before; a first install stops
    Rollback,
    /// Leave everything as it is
    Stop,
    /// As rollback; a first install takes away what it has created, volumes excepted
    Remove,
}

#[derive(Debug, Args)]
pub(crate) struct Rollback {
    /// The revision to go back to; default: what served before
    #[arg(long, value_name = "REVISION")]
    pub(crate) to: Option<u64>,
    /// Roll back only this component and what depends on it
    #[arg(long, value_name = "NAME")]
    pub(crate) component: Option<String>,
    /// When the ordinary way is stuck: delete the workloads by force and make them again; volumes stay
    #[arg(long)]
    pub(crate) emergency: bool,
    /// Delete this object and make it anew, if it cannot be changed into what is wanted; may be repeated
    #[arg(long, value_name = "KIND/NAME")]
    pub(crate) allow_replace: Vec<String>,
    /// Write nothing and say what would happen; with `server`, the server tries every change
    #[arg(long, value_enum, num_args = 0..=1, default_value_t = DryRunMode::None, default_missing_value = "client", require_equals = true, value_name = "WHERE")]
    pub(crate) dry_run: DryRunMode,
    /// How long the whole run may take; default: the deadline of the revision's release file
    #[arg(long, value_name = "DURATION")]
    pub(crate) timeout: Option<Span>,
    /// Do not ask the components' health endpoints
    #[arg(long)]
    pub(crate) no_verify: bool,
    /// Write the events of the run to this file, one JSON object a line
    #[arg(long, value_name = "FILE")]
    pub(crate) events: Option<PathBuf>,
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    pub(crate) output: Format,
}

#[derive(Debug, Args)]
pub(crate) struct Cleanup {
    /// Remove only this component
    #[arg(long, value_name = "NAME")]
    pub(crate) component: Option<String>,
    /// Remove claims, and the Secrets that `lucid secrets init` has made, as well
    #[arg(long, conflicts_with = "component")]
    pub(crate) delete_data: bool,
    /// Write nothing and say what would go
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// How long each component may take until it is gone
    #[arg(long, value_name = "DURATION", default_value = "2m")]
    pub(crate) timeout: Span,
}

#[derive(Debug, Args)]
pub(crate) struct Diff {
    /// A revision
    #[arg(value_name = "REVISION")]
    pub(crate) from: u64,
    /// Another revision, or `live`
    #[arg(value_name = "REVISION|live", default_value = "live")]
    pub(crate) to: String,
    #[arg(short, long, value_enum, default_value_t = PlanFormat::Text)]
    pub(crate) output: PlanFormat,
}

#[derive(Debug, Args)]
pub(crate) struct Why {
    /// The run; default: the newest one with evidence
    #[arg(value_name = "RUN")]
    pub(crate) run: Option<u64>,
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    pub(crate) output: Format,
}

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct History {
    #[command(subcommand)]
    pub(crate) command: Option<HistoryCommand>,
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    pub(crate) output: Format,
}

#[derive(Debug, Subcommand)]
pub(crate) enum HistoryCommand {
    /// Write a revision to a file: everything but the values of Secrets
    Export(HistoryExport),
    /// Keep the revision of a file as one more of the release; Secrets take the values that the cluster has
    Import(HistoryImport),
}

#[derive(Debug, Args)]
pub(crate) struct HistoryExport {
    /// The revision; default: the one in service
    #[arg(value_name = "REVISION")]
    pub(crate) revision: Option<u64>,
    /// Where to; default: stdout
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct HistoryImport {
    /// What `lucid history export` has written
    #[arg(value_name = "FILE")]
    pub(crate) from: PathBuf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum DryRunMode {
    None,
    Client,
    Server,
}

#[derive(Debug, Args)]
pub(crate) struct Status {
    #[command(flatten)]
    pub(crate) source: Source,
    /// Follow until interrupted
    #[arg(short, long)]
    pub(crate) watch: bool,
    /// Only this component
    #[arg(long, value_name = "NAME")]
    pub(crate) component: Option<String>,
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    pub(crate) output: Format,
}

#[derive(Debug, Args)]
pub(crate) struct Health {
    #[command(flatten)]
    pub(crate) source: Source,
    /// Look again every few seconds, and print what has changed, until interrupted
    #[arg(short, long)]
    pub(crate) watch: bool,
    /// Only this component
    #[arg(long, value_name = "NAME")]
    pub(crate) component: Option<String>,
    /// How long the API server, and each LIST, may take to answer; an endpoint has 5 s of it at most
    #[arg(long, value_name = "DURATION", default_value = "30s")]
    pub(crate) timeout: Span,
    /// Exit with 7 when something could not be checked
    #[arg(long)]
    pub(crate) strict: bool,
    /// Also what has changed since the release was last verified: fields, times, and who
    #[arg(long)]
    pub(crate) since_healthy: bool,
    /// Leave out these checks: workloads, endpoints, services, ingresses, volumes, autoscalers, budgets, policies, quotas,
    /// objects, usage, nodes, webhooks, apis
    #[arg(long, value_name = "AREA", value_delimiter = ',')]
    pub(crate) skip: Vec<lucid_status::Area>,
    #[arg(short, long, value_enum, default_value_t = HealthFormat::Text)]
    pub(crate) output: HealthFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum HealthFormat {
    Text,
    /// Every check, its time, restarts and use against requests
    Wide,
    Json,
    /// One object a line, causes first
    Ndjson,
    Yaml,
    Junit,
    Sarif,
    Prometheus,
    Markdown,
    /// One self-contained page
    Html,
    /// Annotations of a GitHub workflow, ten at most
    Github,
}

#[derive(Debug, Args)]
pub(crate) struct Rehearse {
    #[command(flatten)]
    pub(crate) source: Source,
    /// Fixes every choice of the simulation; the same seed gives the same run
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub(crate) seed: u64,
    /// The component to break; default: the one that most others need
    #[arg(long = "break", value_name = "COMPONENT")]
    pub(crate) broken: Option<String>,
    /// A cluster of your own: nodes, how containers behave, and what happens meanwhile
    #[arg(long, value_name = "FILE")]
    pub(crate) scenario: Option<PathBuf>,
    /// Begin on the live cluster as it stands now, in memory; nothing is written to it
    #[arg(long)]
    pub(crate) from_cluster: bool,
    /// Begin on a cluster that `lucid snapshot` or `lucid sim --state` wrote
    #[arg(long, value_name = "FILE", conflicts_with = "from_cluster")]
    pub(crate) from: Option<PathBuf>,
    /// Instead: this many deployments, drawn from the seed, in each of which something else goes wrong
    #[arg(long, value_name = "N", conflicts_with_all = ["broken", "exhaustive", "replay"])]
    pub(crate) explore: Option<u64>,
    /// Instead: every kind of fault at every request that changes something, one at a time
    #[arg(long, conflicts_with_all = ["broken", "replay"])]
    pub(crate) exhaustive: bool,
    /// Instead: exactly these choices, as a failed exploration prints them
    #[arg(long, value_name = "CHOICES", conflicts_with = "broken")]
    pub(crate) replay: Option<String>,
    #[arg(short, long, value_enum, default_value_t = RehearseFormat::Text)]
    pub(crate) output: RehearseFormat,
}

/// The kubeconfig is written to --kubeconfig FILE. It ends, and saves its state, on SIGINT or SIGTERM.
#[derive(Debug, Args)]
pub(crate) struct SimArgs {
    /// Where to listen: a loopback address, and a port or 0 for any that is free
    #[arg(long, default_value = "127.0.0.1:0", value_name = "ADDRESS:PORT")]
    pub(crate) listen: String,
    /// How many simulated seconds go by in one real second
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) speed: u32,
    /// Where the cluster is kept from one start to the next; holds Secrets as they are
    #[arg(long, value_name = "FILE")]
    pub(crate) state: Option<PathBuf>,
    /// Fixes the choices of controllers, scheduler and kubelets
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub(crate) seed: u64,
    /// Run no controllers, scheduler or kubelets
    #[arg(long)]
    pub(crate) api_only: bool,
    /// A cluster of your own: nodes, how containers behave, and what happens meanwhile
    #[arg(long, value_name = "FILE")]
    pub(crate) scenario: Option<PathBuf>,
}

/// Every object of a kind that the simulator knows, in all namespaces; kinds that you may not list are named.
#[derive(Debug, Args)]
pub(crate) struct Snapshot {
    /// The file to write
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct Notify {
    /// What happened
    #[arg(value_enum)]
    pub(crate) event: Happened,
    /// Where: an overlay of lucid.yaml, or any name of a place
    #[arg(default_value = "", value_name = "ENVIRONMENT")]
    pub(crate) environment: String,
    /// Tell only this one; may be repeated
    #[arg(long, value_name = "NAME")]
    pub(crate) to: Vec<String>,
    /// The one component that it was about
    #[arg(long, default_value = "", value_name = "NAME")]
    pub(crate) component: String,
    /// What `lucid deploy -o json` has written: which components failed, and their finding codes, are told
    #[arg(long, value_name = "FILE")]
    pub(crate) result: Option<PathBuf>,
    /// What it came to, in a few words
    #[arg(long, default_value = "", value_name = "TEXT", allow_hyphen_values = true)]
    pub(crate) detail: String,
    /// Who started it
    #[arg(long, env = "GITHUB_ACTOR", hide_env_values = true, default_value = "", value_name = "NAME")]
    pub(crate) by: String,
    /// Why it was started
    #[arg(long, default_value = "", value_name = "TEXT", allow_hyphen_values = true)]
    pub(crate) reason: String,
    /// Where more is to be read: an https address
    #[arg(long, default_value = "", value_name = "URL")]
    pub(crate) link: String,
    /// What was deployed, for a deployment status on GitHub
    #[arg(long, env = "GITHUB_SHA", hide_env_values = true, default_value = "", value_name = "REF")]
    pub(crate) commit: String,
    /// Tell nobody; say what would be told, and who cannot be
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Fail also when a receiver is not set up: its variable or file is not there
    #[arg(long)]
    pub(crate) strict: bool,
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    pub(crate) output: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Happened {
    Start,
    Success,
    Failure,
    /// What served before serves again
    Rollback,
}

#[derive(Debug, Args)]
pub(crate) struct Secrets {
    #[command(subcommand)]
    pub(crate) command: SecretsCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SecretsCommand {
    /// Create random Secrets where the release wants them; overwrites none, prints none
    Init(SecretsInit),
    /// Say which references have nothing behind them
    Check(SecretsCheck),
}

#[derive(Debug, Args)]
pub(crate) struct SecretsInit {
    /// Say what would be created, and create nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[derive(Debug, Args)]
pub(crate) struct SecretsCheck {
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    pub(crate) output: Format,
}

#[derive(Debug, Args)]
pub(crate) struct Rbac {
    #[command(flatten)]
    pub(crate) source: Source,
    /// Name of the ServiceAccount that deploys
    #[arg(long, default_value = "lucid-deployer", value_name = "NAME")]
    pub(crate) service_account: String,
}

#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// The code, like L3002; without one, all codes are listed
    pub(crate) code: Option<String>,
    #[arg(short, long, value_enum, default_value_t = ExplainFormat::Text)]
    pub(crate) output: ExplainFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExplainFormat {
    Text,
    Markdown,
}

#[derive(Debug, Args)]
pub(crate) struct Completion {
    pub(crate) shell: clap_complete::Shell,
}

#[derive(Debug, Args)]
pub(crate) struct Version {
    /// Say how true the simulator is, too
    #[arg(long)]
    pub(crate) sim: bool,
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    pub(crate) output: Format,
}
