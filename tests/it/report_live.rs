//! `snap report --live`: a page that follows the running session, for browsers on this machine alone.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use serde_json::json;

use crate::report::{ID, worked};
use crate::support::page::Page;
use crate::support::project::Project;
use crate::support::{Must, eventually};

/// A server that was started, and what it serves.
pub(crate) struct Served {
    child: Child,
    port: u16,
    secret: String,
}

impl Served {
    pub(crate) fn start(project: &Project) -> Served {
        let mut command = project.command(project.root(), &["report", "--live"]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().must("snap");
        let mut address = String::new();
        BufReader::new(child.stdout.take().must("its output")).read_line(&mut address).must("an address");
        let rest = address.trim().strip_prefix("http://127.0.0.1:").must("an address of this machine");
        let (port, secret) = rest.split_once('/').must("a secret");
        let secret = secret.trim_end_matches('/').to_owned();
        assert_eq!(secret.len(), 32, "128 bits: {secret}");
        Served { child, port: port.parse().must("a port"), secret }
    }

    /// The address that it said.
    pub(crate) fn address(&self) -> String {
        format!("http://127.0.0.1:{}/{}/", self.port, self.secret)
    }

    /// Sends a request; returns the status, the head and the body.
    fn ask(&self, method: &str, target: &str, host: &str) -> (u16, String, Vec<u8>) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).must("a connection");
        let request = format!("{method} {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).must("sent");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).must("an answer");
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n").must("a head");
        let head = String::from_utf8_lossy(&answer[..end]).into_owned();
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).must("a status");
        (status, head, answer[end + 4..].to_vec())
    }

    fn get(&self, name: &str) -> Vec<u8> {
        let (status, _, body) =
            self.ask("GET", &format!("/{}/{name}", self.secret), &format!("127.0.0.1:{}", self.port));
        assert_eq!(status, 200, "{}", String::from_utf8_lossy(&body));
        body
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _waited = self.child.wait();
    }
}

#[test]
fn a_page_follows_the_session_and_nothing_is_saved() {
    let project = worked();
    let refs = project.git(&["for-each-ref"]);
    let before = project.state();
    let served = Served::start(&project);
    let page = Page::read(&served.get(""));
    assert_eq!(page.said('p')[0], "port the <api>\nand *test* it");
    assert_eq!(page.edits().len(), 2);
    let live = &page.index["live"];
    assert_eq!(live["url"], "status");
    assert!(page.html.contains("connect-src 'self';"), "it may ask this server");
    let status = || String::from_utf8(served.get("status")).must("UTF-8").trim().to_owned();
    assert_eq!(live["version"], status());
    let file = project.home.project(project.root()).join(format!("{ID}.jsonl"));
    let more = json!({"type": "user", "uuid": "more", "cwd": project.root(), "sessionId": ID, "version": "2.1.332",
        "timestamp": "2026-11-21T05:00:00.000Z", "message": {"role": "user", "content": "one thing more"}});
    project.append(&file, format!("{more}\n").as_bytes());
    assert_ne!(live["version"], status());
    let page = Page::read(&served.get(""));
    assert_eq!(page.said('p')[2], "one thing more");
    assert_eq!(page.index["live"]["version"], status());
    assert!(!project.stored("").exists(), "there is no store");
    assert_eq!((project.git(&["for-each-ref"]), project.state()), (refs, before));
}

#[test]
fn whoever_does_not_know_the_address_or_comes_under_another_name_gets_nothing() {
    let project = worked();
    let served = Served::start(&project);
    let (here, own) = (format!("127.0.0.1:{}", served.port), format!("/{}/", served.secret));
    let last = if served.secret.ends_with('0') { '1' } else { '0' };
    let odd = format!("/{}{last}/", &served.secret[..31]);
    for (method, target, host, wanted) in [
        ("GET", "/", here.as_str(), 404),
        ("GET", "/status", &here, 404),
        ("GET", &odd, &here, 404),
        ("GET", &own, "evil.example", 403),
        ("GET", &own, &format!("evil.example:{}", served.port), 403),
        ("POST", &own, &here, 405),
        ("HEAD", &own, &here, 200),
    ] {
        let (status, head, body) = served.ask(method, target, host);
        assert_eq!(status, wanted, "{method} {target} of {host}");
        assert!(!String::from_utf8_lossy(&body).contains("port the"), "{method} {target} of {host}");
        for field in
            ["Cache-Control: no-store", "Cross-Origin-Resource-Policy: same-origin", "X-Frame-Options: DENY"]
        {
            assert!(head.contains(field), "{head}");
        }
        assert!(!head.to_lowercase().contains("access-control"), "{head}");
    }
    // No other machine reaches it.
    let connected = TcpStream::connect((std::net::Ipv4Addr::new(127, 0, 0, 2), served.port));
    assert!(connected.is_err(), "it listens on one address");
}

#[test]
fn nothing_is_left_of_it_when_it_is_stopped() {
    let project = worked();
    let mut served = Served::start(&project);
    let tmp = project.home.path().join("tmp");
    let left = || fs::read_dir(&tmp).map_or(0, |entries| entries.flatten().count());
    served.get("");
    let stop = Command::new("kill").args(["-INT", &served.child.id().to_string()]).status();
    assert!(stop.must("kill").success());
    served.child.wait().must("its end");
    eventually("an empty folder for what passes", || left() == 0);
}

#[test]
fn without_a_session_there_is_nothing_to_follow() {
    let project = Project::new();
    project.snap(&["report", "--live"]).exits(3).says(&["no session to follow"]);
    project.snap(&["report", "x", "--live"]).exits(2);
}

#[test]
fn what_a_killed_server_has_left_is_gone_with_the_next_one() {
    let project = worked();
    let temporary = project.home.path().join("temporary files");
    std::fs::create_dir(&temporary).must("a folder");
    let start = || {
        let mut command = project.command(project.root(), &["report", "--live"]);
        let mut child = command
            .env("TMPDIR", &temporary)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .must("snap");
        let mut address = String::new();
        BufReader::new(child.stdout.take().must("its output")).read_line(&mut address).must("an address");
        child
    };
    let folders = || {
        let all = std::fs::read_dir(&temporary).must("a folder").flatten().map(|entry| entry.path());
        all.filter(|path| path.join("store").exists()).collect::<Vec<_>>()
    };
    let mut killed = start();
    let [left] = <[_; 1]>::try_from(folders()).must("one");
    killed.kill().and_then(|()| killed.wait()).must("killed");
    assert!(left.exists());
    let past = std::time::SystemTime::now() - std::time::Duration::from_secs(120);
    std::fs::File::open(&left).and_then(|folder| folder.set_modified(past)).must("a time");
    let mut next = start();
    let there = folders();
    assert!(!left.exists() && there.len() == 1, "{there:?}");
    std::fs::File::open(&there[0]).and_then(|folder| folder.set_modified(past)).must("a time");
    let mut beside = start();
    assert!(there[0].exists(), "a program works in it");
    for child in [&mut next, &mut beside] {
        child.kill().and_then(|()| child.wait()).must("killed");
    }
}
