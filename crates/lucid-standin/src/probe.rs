//! The databases' own tools, as far as the manifests call them: `mongo-ping`, `redis-cli ping`, `mongo-init-replica-set`.
//!
//! The image has the program under these names too.

use std::io::{Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::process::ExitCode;
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(3);
/// How long the members of a replica set may take to be there.
const GATHER: Duration = Duration::from_secs(300);

type Tool = fn(&[String]) -> Result<(), String>;

/// The tool of this name; none when the program was started under its own.
pub(crate) fn named(name: &str) -> Option<Tool> {
    match name {
        "mongo-ping" => Some(mongo_ping),
        "redis-cli" => Some(redis_cli),
        "mongo-init-replica-set" => Some(mongo_init),
        _ => None,
    }
}

pub(crate) fn run(tool: Tool, arguments: &[String]) -> ExitCode {
    match tool(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// `mongo-ping [HOST]`.
fn mongo_ping(arguments: &[String]) -> Result<(), String> {
    connect(arguments.first().map_or("127.0.0.1", String::as_str), 27017).map(drop)
}

fn redis_cli(arguments: &[String]) -> Result<(), String> {
    if arguments != ["ping"] {
        return Err("the stand-in's redis-cli knows `ping` only".to_owned());
    }
    let mut stream = connect("127.0.0.1", 6379)?;
    let mut answer = [0; 7];
    let asked = stream.write_all(b"PING\r\n").and_then(|()| stream.read_exact(&mut answer));
    asked.map_err(|error| format!("ask redis: {error}"))?;
    match &answer {
        b"+PONG\r\n" => {
            println!("PONG");
            Ok(())
        }
        _ => Err("redis answered something else than PONG".to_owned()),
    }
}

/// Waits until every member of `--members=a,b,c` can be reached: there is nothing to initiate.
fn mongo_init(arguments: &[String]) -> Result<(), String> {
    let members = arguments.iter().find_map(|argument| argument.strip_prefix("--members="));
    let members = members.ok_or("mongo-init-replica-set: give --members=HOST,HOST")?;
    let began = Instant::now();
    for member in members.split(',') {
        while let Err(error) = connect(member, 27017) {
            if began.elapsed() >= GATHER {
                return Err(error);
            }
            std::thread::sleep(Duration::from_millis(500));
        }
    }
    Ok(())
}

fn connect(host: &str, port: u16) -> Result<TcpStream, String> {
    let said = |error: std::io::Error| format!("connect to {host}:{port}: {error}");
    let address = (host, port).to_socket_addrs().map_err(said)?.next();
    let address = address.ok_or_else(|| format!("{host} has no address"))?;
    let stream = TcpStream::connect_timeout(&address, PATIENCE).map_err(said)?;
    stream.set_read_timeout(Some(PATIENCE)).and_then(|()| stream.set_write_timeout(Some(PATIENCE))).map_err(said)?;
    Ok(stream)
}
