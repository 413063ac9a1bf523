//! The program itself, on loopback addresses of its own: every service, every failure on command, and an orderly end.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::pkcs8::EncodePublicKey;
use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::{Signer, SigningKey};

const PATIENCE: Duration = Duration::from_secs(20);

struct Standin {
    address: String,
    child: Option<Child>,
}

impl Drop for Standin {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Ports are fixed, so that tests side by side need addresses of their own.
fn own_address() -> String {
    static LAST: AtomicU8 = AtomicU8::new(0);
    let process = std::process::id();
    format!("127.{}.{}.{}", 64 + process % 64, process / 64 % 256, 1 + LAST.fetch_add(1, Ordering::Relaxed))
}

fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lucid-standin"));
    command.env_clear().stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn start(service: &str, arguments: &[&str]) -> Standin {
    let address = own_address();
    let mut command = program();
    command.args(["--service", service, "--bind", &address, "--startup", "0s"]).args(arguments);
    Standin { child: Some(command.spawn().expect("start")), address }
}

impl Standin {
    fn connect(&self, port: u16) -> TcpStream {
        let began = Instant::now();
        loop {
            match TcpStream::connect((self.address.as_str(), port)) {
                Ok(stream) => {
                    stream.set_read_timeout(Some(PATIENCE)).expect("a time limit");
                    return stream;
                }
                Err(error) if began.elapsed() > PATIENCE => panic!("{}:{port}: {error}", self.address),
                Err(_) => std::thread::sleep(Duration::from_millis(10)),
            }
        }
    }

    /// Status and body.
    fn ask(&self, port: u16, path: &str, header: &str) -> (u16, String) {
        answer(asked(self.connect(port), path, header))
    }

    #[track_caller]
    fn wait_for(&self, port: u16, path: &str, status: u16) -> String {
        let began = Instant::now();
        loop {
            let (seen, body) = self.ask(port, path, "");
            if seen == status {
                return body;
            }
            assert!(began.elapsed() < PATIENCE, "{path} answers {seen}, not {status}: {body}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn terminate(&self) {
        let pid = self.child.as_ref().expect("it runs").id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().expect("kill").success());
    }

    fn end(mut self) -> Output {
        self.child.take().expect("it runs").wait_with_output().expect("its end")
    }
}

fn asked(mut stream: TcpStream, path: &str, header: &str) -> TcpStream {
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\n{header}Connection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("ask");
    stream
}

fn answer(mut stream: TcpStream) -> (u16, String) {
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("an answer");
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no HTTP: {text:?}"));
    let status = head.split_whitespace().nth(1).and_then(|code| code.parse().ok());
    (status.unwrap_or_else(|| panic!("no status: {head}")), body.to_owned())
}

/// Name, health path and port of those with HTTP; what is served besides.
const WITH_HTTP: [(&str, u16, &str); 6] = [
    ("lucid-elasticsearch", 9200, "/_cluster/health"),
    ("lucid-service-mesh-controller", 8500, "/v1/status/leader"),
    ("lucid-api-gateway", 8080, "/health"),
    ("lucid-session-api", 8113, "/health"),
    ("lucid-node-management", 8095, "/health"),
    ("lucid-payment-gateway", 8097, "/health"),
];

#[test]
fn health_and_metrics_answer_where_the_service_has_them() {
    for (service, port, path) in WITH_HTTP {
        let standin = start(service, &["--revision", "3.1.4"]);
        standin.wait_for(port, path, 200);
        let metrics = standin.wait_for(9464, "/metrics", 200);
        assert!(metrics.contains(&format!(r#"lucid_standin_info{{service="{service}",revision="3.1.4"}} 1"#)));
        assert!(metrics.contains("\nlucid_healthy 1\n") && metrics.contains(r#"lucid_requests_total{code="200"}"#));
        assert_eq!(standin.ask(9464, "/else", "").0, 404);
        if !["lucid-elasticsearch", "lucid-service-mesh-controller"].contains(&service) {
            let (_, body) = standin.ask(port, path, "");
            assert!(body.contains(r#""standin":true"#) && body.contains(r#""revision":"3.1.4""#), "{body}");
        }
    }
}

#[test]
fn it_is_not_up_before_what_it_needs_is() {
    let peers = own_address();
    let peer = |name: &str, port: u16| format!("lucid-{name}={peers}:{port}");
    let list = format!("{} {} {}", peer("auth-service", 8089), peer("redis", 6379), peer("session-api", 8113));
    let gateway = start("lucid-api-gateway", &["--peers", &list]);
    assert!(gateway.wait_for(8080, "/health", 503).contains("starting"));
    let _auth = TcpListener::bind((peers.as_str(), 8089)).expect("auth");
    assert!(gateway.ask(8080, "/health", "").1.contains("starting"), "redis is missing still");
    let _redis = TcpListener::bind((peers.as_str(), 6379)).expect("redis");
    // The session API comes later in the release, and is not waited for.
    let body = gateway.wait_for(8080, "/health", 200);
    assert!(body.contains(r#""lucid-session-api":false"#) && body.contains(r#""lucid-redis":true"#), "{body}");
}

#[test]
fn a_service_with_tokens_lets_in_who_has_one() {
    let key = SigningKey::from_bytes(&[7; 32]);
    let folder = std::env::temp_dir().join(format!("lucid-standin-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("folder");
    let file = folder.join("public.pem");
    std::fs::write(&file, key.verifying_key().to_public_key_pem(LineEnding::LF).expect("PEM")).expect("write");
    let session = start("lucid-session-api", &["--jwt-key", file.to_str().expect("text")]);
    session.wait_for(8113, "/health", 200);
    let signed = format!("{}.{}", encode(r#"{"alg":"EdDSA"}"#), encode(r#"{"exp":99999999999}"#));
    let signature = URL_SAFE_NO_PAD.encode(key.sign(signed.as_bytes()).to_bytes());
    let header = |signature: &str| format!("Authorization: Bearer {signed}.{signature}\r\n");
    assert_eq!(session.ask(8113, "/sessions", "").0, 401);
    assert_eq!(session.ask(8113, "/sessions", &header(&signature)).0, 200);
    assert_eq!(session.ask(8113, "/sessions", &header(&URL_SAFE_NO_PAD.encode([0; 64]))).0, 401);
    // Without the key nobody is let in.
    std::fs::remove_dir_all(&folder).expect("remove");
    assert_eq!(session.ask(8113, "/sessions", &header(&signature)).0, 401);
    assert_eq!(session.ask(8113, "/health", "").0, 200);
}

fn encode(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(text)
}

#[test]
fn a_request_under_way_is_answered_before_the_end() {
    let standin = start("lucid-block-manager", &["--fail", "slow=700ms"]);
    standin.wait_for(8086, "/health", 200);
    let under_way = asked(standin.connect(8086), "/health", "");
    std::thread::sleep(Duration::from_millis(200));
    standin.terminate();
    let (_, body) = answer(under_way);
    assert!(body.contains("stopping"), "asked before the end, answered in it: {body}");
    let output = standin.end();
    assert!(output.status.success(), "{}", output.status);
    assert!(String::from_utf8_lossy(&output.stdout).contains("all requests were answered"));
}

#[test]
fn an_idle_connection_does_not_hold_up_the_end() {
    let redis = start("lucid-redis", &[]);
    let idle = redis.connect(6379);
    redis.connect(9464);
    redis.terminate();
    assert!(redis.end().status.success());
    drop(idle);
}

#[test]
fn it_crashes_on_command_and_says_so() {
    let output = start("lucid-tron-client", &["--fail", "crash=100ms", "--revision", "2.0.0"]).end();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("lucid-tron-client 2.0.0: crashing"));
}

#[test]
fn it_leaks_on_command_and_counts() {
    let standin = start("lucid-usdt-manager", &["--fail", "leak=4Mi"]);
    let began = Instant::now();
    let leaked = || {
        let metrics = standin.wait_for(9464, "/metrics", 200);
        let line =
            metrics.lines().find_map(|line| line.strip_prefix("lucid_leaked_bytes ")).expect("a line").to_owned();
        line.parse::<u64>().expect("a number")
    };
    while leaked() < 3 << 20 {
        assert!(began.elapsed() < PATIENCE, "it leaks too little");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn it_flaps_or_is_never_healthy_on_command() {
    let flapping = start("lucid-trx-staking", &["--fail", "flapping=300ms"]);
    for status in [200, 503, 200, 503] {
        flapping.wait_for(8096, "/health", status);
    }
    let broken = start("lucid-trx-staking", &["--fail", "unhealthy"]);
    let began = Instant::now();
    while !broken.wait_for(8096, "/health", 503).contains("broken on command") {
        assert!(began.elapsed() < PATIENCE, "it is starting still");
    }
}

#[test]
fn on_the_wrong_port_nobody_finds_it() {
    let standin = start("lucid-data-chain", &["--fail", "wrong-port"]);
    standin.wait_for(8088, "/health", 200);
    assert!(TcpStream::connect((standin.address.as_str(), 8087)).is_err());
}

#[test]
fn a_port_that_is_taken_ends_it_with_the_address() {
    let address = own_address();
    let _taken = TcpListener::bind((address.as_str(), 9464)).expect("bind");
    let output = program().args(["--service", "lucid-redis", "--bind", &address]).output().expect("run");
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains(&format!("{address}:9464")));
}

#[test]
fn the_redis_door_answers_ping_and_nothing_else() {
    let redis = start("lucid-redis", &[]);
    let mut stream = redis.connect(6379);
    stream.write_all(b"*1\r\n$4\r\nPING\r\nGET secret\r\n").expect("ask");
    let mut answer = [0; 40];
    let mut heard = String::new();
    while !heard.contains("-ERR") {
        let count = stream.read(&mut answer).expect("an answer");
        assert!(count > 0, "it hung up after {heard:?}");
        heard.push_str(&String::from_utf8_lossy(&answer[..count]));
    }
    assert!(heard.starts_with("+PONG\r\n-ERR"), "{heard:?}");
}

#[test]
fn under_the_name_of_a_database_tool_it_is_that_tool() {
    let output = program().arg0("redis-cli").arg("flushall").output().expect("run");
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("knows `ping` only"));
    let init = program().arg0("/bin/mongo-init-replica-set").output().expect("run");
    assert!(String::from_utf8_lossy(&init.stderr).contains("--members"));
}

#[test]
fn without_a_service_it_says_what_is_missing() {
    let output = program().output().expect("run");
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("LUCID_SERVICE"));
    let help = program().arg("--help").output().expect("run");
    assert!(help.status.success() && String::from_utf8_lossy(&help.stdout).contains("LUCID_STANDIN_FAIL"));
}
