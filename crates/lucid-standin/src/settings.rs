//! How one stand-in behaves: from the environment, and from flags that win over it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::time::Duration;

use crate::fault::{self, Faults};
use crate::service::Service;

pub(crate) const USAGE: &str = "\
lucid-standin stands in for one of the 27 services of the Lucid release: its ports, its health, its needs. It is for
rehearsal and staging and does no work.

  --service NAME        LUCID_SERVICE          which service, such as lucid-api-gateway
  --peers LIST          LUCID_PEERS            host:port of the services it calls, separated by blanks;
                                               a service is known by the first label of its host, or as NAME=host:port
  --revision TEXT       LUCID_STANDIN_REVISION what it says that it is, such as 1.0.0
  --startup TIME        LUCID_STANDIN_STARTUP  how long it takes to start, such as 2s
  --bind ADDRESS        LUCID_STANDIN_BIND     where it listens, by default on every address
  --jwt-key FILE        LUCID_JWT_KEY          the public key of the tokens it checks
  --fail LIST           LUCID_STANDIN_FAIL     what goes wrong, separated by commas: slow[=TIME] flapping[=TIME]
                                               crash[=TIME] leak[=BYTES a second] wrong-port unhealthy";

#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("{0}; see --help")]
    Flag(#[from] lexopt::Error),
    #[error("no service: give --service or LUCID_SERVICE")]
    NoService,
    #[error("`{0}` is none of the 27 services, such as lucid-api-gateway")]
    UnknownService(String),
    #[error("`{value}` is no {what}: {why}")]
    Value { what: &'static str, value: String, why: String },
}

/// What the program was asked for.
#[derive(Debug)]
pub(crate) enum Asked {
    Help,
    Run(Box<Settings>),
}

#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) service: &'static Service,
    pub(crate) peers: Vec<Peer>,
    pub(crate) revision: String,
    pub(crate) startup: Duration,
    pub(crate) bind: IpAddr,
    pub(crate) jwt_key: PathBuf,
    pub(crate) faults: Faults,
}

/// Another service, as this one reaches it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Peer {
    /// The first label of its host name, which is the name of its Service, unless another was given.
    pub(crate) name: String,
    pub(crate) address: String,
}

const FLAGS: [(&str, &str); 7] = [
    ("service", "LUCID_SERVICE"),
    ("peers", "LUCID_PEERS"),
    ("revision", "LUCID_STANDIN_REVISION"),
    ("startup", "LUCID_STANDIN_STARTUP"),
    ("bind", "LUCID_STANDIN_BIND"),
    ("jwt-key", "LUCID_JWT_KEY"),
    ("fail", "LUCID_STANDIN_FAIL"),
];

/// `from_environment` answers with the value of a variable.
pub(crate) fn read(
    arguments: impl IntoIterator<Item = OsString>,
    from_environment: impl Fn(&str) -> Option<String>,
) -> Result<Asked, Error> {
    let mut given: BTreeMap<&str, String> = BTreeMap::new();
    for (flag, variable) in FLAGS {
        given.extend(from_environment(variable).map(|value| (flag, value)));
    }
    let mut parser = lexopt::Parser::from_iter(arguments);
    while let Some(argument) = parser.next()? {
        match argument {
            lexopt::Arg::Long("help") | lexopt::Arg::Short('h') => return Ok(Asked::Help),
            lexopt::Arg::Long(name) => match FLAGS.iter().find(|(flag, _)| *flag == name) {
                Some((flag, _)) => {
                    let value = parser.value()?.into_string().map_err(lexopt::Error::from)?;
                    given.insert(flag, value);
                }
                None => return Err(argument.unexpected().into()),
            },
            _ => return Err(argument.unexpected().into()),
        }
    }
    settings(&given).map(|settings| Asked::Run(Box::new(settings)))
}

fn settings(given: &BTreeMap<&str, String>) -> Result<Settings, Error> {
    let name = given.get("service").ok_or(Error::NoService)?;
    let service = Service::named(name).ok_or_else(|| Error::UnknownService(name.clone()))?;
    let text = |flag: &str, default: &str| given.get(flag).cloned().unwrap_or_else(|| default.to_owned());
    let startup = given.get("startup").map(|value| fault::time(value).map_err(|why| wrong("time", value, why)));
    let bind = given.get("bind").map(|value| value.parse().map_err(|why| wrong("address", value, why)));
    let fail = text("fail", "");
    Ok(Settings {
        service,
        peers: text("peers", "").split_whitespace().map(peer).collect::<Result<_, _>>()?,
        revision: text("revision", env!("CARGO_PKG_VERSION")),
        startup: startup.transpose()?.unwrap_or(service.startup),
        bind: bind.transpose()?.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)),
        jwt_key: text("jwt-key", "/etc/lucid/jwt/public.pem").into(),
        faults: fail.parse().map_err(|why| wrong("list of failures", &fail, why))?,
    })
}

fn wrong(what: &'static str, value: &str, why: impl ToString) -> Error {
    Error::Value { what, value: value.to_owned(), why: why.to_string() }
}

fn peer(address: &str) -> Result<Peer, Error> {
    let (name, at) = address.split_once('=').map_or((None, address), |(name, at)| (Some(name), at));
    let (host, port) = at.rsplit_once(':').ok_or_else(|| wrong("peer", address, "expected host:port"))?;
    port.parse::<u16>().map_err(|why| wrong("peer", address, why))?;
    let name = name.or_else(|| host.split('.').next()).unwrap_or(host);
    Ok(Peer { name: name.to_owned(), address: at.to_owned() })
}

impl Settings {
    /// The peers without which this service does not start.
    pub(crate) fn needed(&self) -> impl Iterator<Item = &Peer> {
        self.peers.iter().filter(|peer| self.service.needs.contains(&peer.name.as_str()))
    }

    /// Where it listens; `wrong-port` moves the first one away.
    pub(crate) fn ports(&self) -> impl Iterator<Item = (u16, crate::service::Speaks)> {
        let moved = u16::from(self.faults.wrong_port);
        self.service.ports.iter().enumerate().map(move |(index, (port, speaks))| match index {
            0 => (port + moved, *speaks),
            _ => (*port, *speaks),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(arguments: &[&str], environment: &[(&str, &str)]) -> Result<Settings, Error> {
        let arguments = std::iter::once("standin").chain(arguments.iter().copied()).map(OsString::from);
        let environment: BTreeMap<_, _> = environment.iter().copied().collect();
        match read(arguments, |name| environment.get(name).map(|value| (*value).to_owned()))? {
            Asked::Run(settings) => Ok(*settings),
            Asked::Help => panic!("help was not asked for"),
        }
    }

    #[track_caller]
    fn refused(arguments: &[&str], words: &str) {
        let error = given(arguments, &[]).expect_err("refused").to_string();
        assert!(error.contains(words), "{error}");
    }

    #[test]
    fn flags_win_over_the_environment() {
        let environment = [("LUCID_SERVICE", "lucid-redis"), ("LUCID_STANDIN_REVISION", "1.0.0")];
        let settings = given(&["--service", "lucid-mongodb"], &environment).expect("settings");
        assert_eq!((settings.service.name, settings.revision.as_str()), ("lucid-mongodb", "1.0.0"));
        assert_eq!(settings.startup, settings.service.startup);
    }

    #[test]
    fn only_needed_peers_are_waited_for() {
        let peers = "lucid-auth-service.lucid-system.svc:8089 lucid-redis.lucid-system.svc:6379 \
                     lucid-session-api.lucid-system.svc:8113";
        let settings = given(&["--service=lucid-api-gateway", "--peers", peers], &[]).expect("settings");
        let needed: Vec<_> = settings.needed().map(|peer| peer.name.as_str()).collect();
        assert_eq!(needed, ["lucid-auth-service", "lucid-redis"]);
    }

    #[test]
    fn the_wrong_port_is_the_one_that_health_is_read_from() {
        let settings = given(&["--service=lucid-rdp-xrdp", "--fail=wrong-port"], &[]).expect("settings");
        assert_eq!(settings.ports().map(|(port, _)| port).collect::<Vec<_>>(), [3390, 3350, 8250]);
    }

    #[test]
    fn mistakes_say_what_was_expected() {
        refused(&[], "--service or LUCID_SERVICE");
        refused(&["--service=postgres"], "none of the 27");
        refused(&["--service=lucid-redis", "--peers=lucid-mongodb"], "host:port");
        refused(&["--service=lucid-redis", "--startup=soon"], "such as 2s");
        refused(&["--service=lucid-redis", "--fail=explode"], "slow, flapping, crash, leak");
        refused(&["--service=lucid-redis", "--verbose"], "--verbose");
    }
}
