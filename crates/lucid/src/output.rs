//! Where bytes leave the program: results to stdout, talk to stderr, everything through the redactor.

mod run_log;
mod screen;
mod show;

use std::io::{IsTerminal, Write};
use std::sync::Mutex;

use lucid_object::Finding;
use lucid_report::{Paint, Redactor, diagnostic};

use crate::cli::{Global, LogFormat, When};
use crate::failure::Failure;

pub(crate) use run_log::RunLog;
pub(crate) use screen::Screen;
pub(crate) use show::Show;

/// The two streams of the program.
pub(crate) struct Outlet {
    redactor: Mutex<Redactor>,
    color: When,
}

impl Outlet {
    pub(crate) fn new(color: When) -> Self {
        let in_ci = std::env::var_os("GITHUB_ACTIONS").is_some();
        Self { redactor: Mutex::new(Redactor::new(in_ci)), color }
    }

    pub(crate) fn paint_err(&self) -> Paint {
        self.paint(std::io::stderr().is_terminal())
    }

    pub(crate) fn paint_out(&self) -> Paint {
        self.paint(std::io::stdout().is_terminal())
    }

    fn paint(&self, is_terminal: bool) -> Paint {
        Paint(match self.color {
            When::Always => true,
            When::Never => false,
            When::Auto => {
                let wants_none = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
                let is_dumb = std::env::var("TERM").is_ok_and(|term| term == "dumb");
                is_terminal && !wants_none && !is_dumb
            }
        })
    }

    /// Registers a value that must never leave.
    pub(crate) fn keep_secret(&self, value: &str) {
        self.redactor.lock().expect("no thread panics while it holds this").register(value);
    }

    pub(crate) fn clean(&self, text: &str) -> String {
        self.redactor.lock().expect("no thread panics while it holds this").clean(text)
    }

    /// The result of a command. A reader that has gone away is no error.
    pub(crate) fn result(&self, text: &str) {
        self.write(&mut std::io::stdout().lock(), &self.clean(text));
    }

    /// Workflow commands that are our own, and so must stay what they are.
    pub(crate) fn annotations(&self, text: &str) {
        let text = self.redactor.lock().expect("no thread panics while it holds this").strike(text);
        self.write(&mut std::io::stdout().lock(), &text);
    }

    /// A result that may hold Secret values, because that is what was asked for: rendered manifests.
    pub(crate) fn manifests(&self, text: &str) {
        self.write(&mut std::io::stdout().lock(), text);
    }

    pub(crate) fn talk(&self, text: &str) {
        self.write(&mut std::io::stderr().lock(), &self.clean(text));
    }

    fn write(&self, stream: &mut dyn Write, text: &str) {
        let result = stream.write_all(text.as_bytes()).and_then(|()| stream.flush());
        if result.is_err_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe) {
            std::process::exit(i32::from(crate::exit::Exit::Done.code()));
        }
    }

    pub(crate) fn json(&self, value: &impl serde::Serialize) {
        let text = serde_json::to_string_pretty(value).expect("results are plain data");
        self.result(&format!("{text}\n"));
    }

    pub(crate) fn findings<'a>(&self, findings: impl IntoIterator<Item = &'a Finding>) {
        let text = diagnostic::render_all(findings, self.paint_err());
        if !text.is_empty() {
            self.talk(&format!("{text}\n"));
        }
    }

    pub(crate) fn failure(&self, failure: &Failure) {
        self.findings(failure.findings.iter());
        let paint = self.paint_err();
        if !failure.message.is_empty() {
            self.talk(&format!("{} {}\n", paint.bad("error:"), failure.message));
        }
        if let Some(help) = &failure.help {
            self.talk(&format!("  {} {help}\n", paint.good("help:")));
        }
    }
}

/// Logs go to stderr; how much is up to `-v` and `LUCID_LOG`.
pub(crate) fn start_logging(global: &Global) {
    use tracing_subscriber::EnvFilter;
    // What a request came to is said by who sent it: one that fails may have another way.
    let level = match global.verbose {
        0 => "error,kube_client=off",
        1 => "lucid=info,lucid_client=info,lucid_deploy=info,warn,kube_client=off",
        2 => "lucid=debug,lucid_client=debug,lucid_deploy=debug,info",
        _ => "debug",
    };
    let filter = EnvFilter::try_from_env("LUCID_LOG").unwrap_or_else(|_| EnvFilter::new(level));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match global.log_format {
        LogFormat::Text => builder.with_target(false).with_ansi(std::io::stderr().is_terminal()).init(),
        LogFormat::Json => builder.json().init(),
    }
}

impl lucid_deploy::Cleaner for Outlet {
    fn keep(&self, value: &str) {
        self.keep_secret(value);
    }

    fn clean(&self, text: &str) -> String {
        Self::clean(self, text)
    }
}
