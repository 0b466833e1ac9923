//! A loopback stand-in of the Messages API: a test's script answers, every request is kept for the test to look at.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::io::{self, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use serde_json::{Value, json};

use super::Must;
use super::http::{self, HttpRequest};
use super::messages::{asks_for_summary, last_prompt, messages_of};
use super::strict::refusal;

/// How long a test waits for the client before it fails; a run takes a second or two.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// Who a request speaks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Speaker {
    /// The conversation itself.
    Main,
    /// The sub-agent with this id: the client names it in the header `x-claude-code-agent-id`.
    Agent(String),
    /// Something the client asks for itself (a title, the summary of a compaction).
    Side,
}

/// One request for a message.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) speaker: Speaker,
    /// The session that the client says it belongs to.
    pub(crate) session: Option<String>,
    pub(crate) body: Value,
}

impl Request {
    /// The conversation, comparable between runs; see [`messages_of`].
    pub(crate) fn messages(&self) -> Vec<Value> {
        messages_of(&self.body)
    }
}

/// What a script decides on.
#[derive(Debug)]
pub(crate) struct Turn<'a> {
    /// What the human (for a sub-agent: its parent) said last, without system reminders and task notifications.
    pub(crate) prompt: String,
    /// How many assistant messages came since.
    pub(crate) step: usize,
    pub(crate) request: &'a Request,
}

impl Turn<'_> {
    /// The reply for this step; past the end, a closing text.
    pub(crate) fn play(&self, mut replies: Vec<Reply>) -> Reply {
        if self.step < replies.len() { replies.swap_remove(self.step) } else { Reply::text("done") }
    }
}

/// What the model answers.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    /// Ends the turn.
    Text(String),
    /// Calls these tools: (name, input).
    Tools(Vec<(&'static str, Value)>),
}

impl Reply {
    pub(crate) fn text(text: &str) -> Self {
        Self::Text(text.to_owned())
    }

    /// Calls one tool.
    pub(crate) fn tool(name: &'static str, input: Value) -> Self {
        Self::Tools(vec![(name, input)])
    }
}

type Script = dyn Fn(&Turn) -> Reply + Send + Sync;

struct Shared {
    script: Box<Script>,
    /// Says why a request is refused.
    refuses: fn(&[u8]) -> Option<String>,
    log: Mutex<Vec<Request>>,
    /// Why requests were refused.
    refused: Mutex<Vec<String>>,
    grown: Condvar,
    stopping: AtomicBool,
}

/// The server; it stops when dropped.
pub(crate) struct StandIn {
    address: SocketAddr,
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<()>>,
}

impl StandIn {
    pub(crate) fn start(script: impl Fn(&Turn) -> Reply + Send + Sync + 'static) -> Self {
        Self::refusing(|_| None, script)
    }

    /// One that refuses what the real API refuses.
    pub(crate) fn strict(script: impl Fn(&Turn) -> Reply + Send + Sync + 'static) -> Self {
        Self::refusing(refusal, script)
    }

    fn refusing(
        refuses: fn(&[u8]) -> Option<String>,
        script: impl Fn(&Turn) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).must("a loopback port");
        let address = listener.local_addr().must("the port's address");
        let shared = Arc::new(Shared {
            script: Box::new(script),
            refuses,
            log: Mutex::default(),
            refused: Mutex::default(),
            grown: Condvar::new(),
            stopping: AtomicBool::new(false),
        });
        let acceptor = thread::spawn({
            let shared = Arc::clone(&shared);
            move || {
                for stream in listener.incoming().flatten() {
                    if shared.stopping.load(Ordering::SeqCst) {
                        return;
                    }
                    let shared = Arc::clone(&shared);
                    // A client that was killed while it was served is no fault of the test's.
                    thread::spawn(move || shared.serve(&stream).ok());
                }
            }
        });
        Self { address, shared, acceptor: Some(acceptor) }
    }

    /// The value for `ANTHROPIC_BASE_URL`.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// All requests for a message so far, in the order they came.
    pub(crate) fn requests(&self) -> Vec<Request> {
        locked(&self.shared.log).clone()
    }

    /// The requests of the conversation itself.
    pub(crate) fn main(&self) -> Vec<Request> {
        self.requests().into_iter().filter(|request| request.speaker == Speaker::Main).collect()
    }

    /// The requests of the sub-agent with this id.
    pub(crate) fn agent(&self, id: &str) -> Vec<Request> {
        let speaker = Speaker::Agent(id.to_owned());
        self.requests().into_iter().filter(|request| request.speaker == speaker).collect()
    }

    /// The ids of the sub-agents that made requests, in the order of their first.
    pub(crate) fn agents(&self) -> Vec<String> {
        let mut ids = Vec::new();
        for request in self.requests() {
            if let Speaker::Agent(id) = request.speaker
                && !ids.contains(&id)
            {
                ids.push(id);
            }
        }
        ids
    }

    /// Why requests were refused so far.
    pub(crate) fn refusals(&self) -> Vec<String> {
        locked(&self.shared.refused).clone()
    }

    /// Forgets the requests so far.
    pub(crate) fn clear(&self) {
        locked(&self.shared.log).clear();
        locked(&self.shared.refused).clear();
    }

    /// Waits until the requests satisfy `enough`; fails the test after [`PATIENCE`].
    #[track_caller]
    pub(crate) fn wait_for(&self, what: &str, enough: impl Fn(&[Request]) -> bool) {
        let log = locked(&self.shared.log);
        let waited = self.shared.grown.wait_timeout_while(log, PATIENCE, |log| !enough(log));
        let (log, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
        assert!(!timeout.timed_out(), "{what}: not seen in {PATIENCE:?}, only {} requests", log.len());
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::SeqCst);
        if TcpStream::connect(self.address).is_ok()
            && let Some(acceptor) = self.acceptor.take()
        {
            acceptor.join().ok();
        }
    }
}

impl Shared {
    fn serve(&self, stream: &TcpStream) -> io::Result<()> {
        let mut reader = BufReader::new(stream);
        let mut writer = stream;
        let Some(request) = HttpRequest::read(&mut reader)? else { return Ok(()) };
        let json = "application/json";
        if request.method != "POST" {
            return http::answer(&mut writer, 200, json, b"{}", request.method == "HEAD");
        }
        let path = request.target.split('?').next().unwrap_or_default();
        match path {
            "/v1/messages/count_tokens" => {
                http::answer(&mut writer, 200, json, br#"{"input_tokens":10}"#, false)
            }
            "/v1/messages" => self.message(&request, &mut writer),
            _ => http::answer(&mut writer, 404, json, br#"{"type":"error"}"#, false),
        }
    }

    fn message(&self, http: &HttpRequest, writer: &mut impl Write) -> io::Result<()> {
        if let Some(message) = (self.refuses)(&http.body) {
            locked(&self.refused).push(message.clone());
            let error = json!({"type": "invalid_request_error", "message": message});
            let body = json!({"type": "error", "error": error}).to_string();
            return http::answer(writer, 400, "application/json", body.as_bytes(), false);
        }
        let body: Value = serde_json::from_slice(&http.body)?;
        let speaker = match http.header("x-claude-code-agent-id") {
            Some(id) => Speaker::Agent(id.to_owned()),
            None if body["tools"].as_array().is_none_or(Vec::is_empty) => Speaker::Side,
            None if asks_for_summary(&body) => Speaker::Side,
            None => Speaker::Main,
        };
        let session = http.header("x-claude-code-session-id").map(str::to_owned);
        let request = Request { speaker, session, body };
        locked(&self.log).push(request.clone());
        self.grown.notify_all();

        let (prompt, step) = last_prompt(&request.body);
        let reply = (self.script)(&Turn { prompt, step, request: &request });
        let model = &request.body["model"];
        if request.body["stream"] == true {
            http::answer(writer, 200, "text/event-stream", events(&reply, model).as_bytes(), false)
        } else {
            http::answer(writer, 200, "application/json", whole(&reply, model).to_string().as_bytes(), false)
        }
    }
}

/// The content blocks of a reply and its stop reason.
fn content(reply: &Reply) -> (Vec<Value>, &'static str) {
    match reply {
        Reply::Text(text) => (vec![json!({"type": "text", "text": text})], "end_turn"),
        Reply::Tools(calls) => {
            let call = |(name, input): &(&str, Value)| json!({"type": "tool_use", "id": fresh("toolu"), "name": name, "input": input});
            (calls.iter().map(call).collect(), "tool_use")
        }
    }
}

fn whole(reply: &Reply, model: &Value) -> Value {
    let (content, stop) = content(reply);
    json!({
        "id": fresh("msg"), "type": "message", "role": "assistant", "model": model, "content": content,
        "stop_reason": stop, "stop_sequence": null, "usage": {"input_tokens": 10, "output_tokens": 5},
    })
}

/// A reply as server-sent events.
fn events(reply: &Reply, model: &Value) -> String {
    let (content, stop) = content(reply);
    let mut start = whole(&Reply::Tools(Vec::new()), model);
    start["stop_reason"] = Value::Null;
    let mut all = vec![json!({"type": "message_start", "message": start})];
    for (index, mut block) in content.into_iter().enumerate() {
        let delta = if block["type"] == "text" {
            json!({"type": "text_delta", "text": std::mem::replace(&mut block["text"], "".into())})
        } else {
            let input = std::mem::replace(&mut block["input"], json!({}));
            json!({"type": "input_json_delta", "partial_json": input.to_string()})
        };
        all.push(json!({"type": "content_block_start", "index": index, "content_block": block}));
        all.push(json!({"type": "content_block_delta", "index": index, "delta": delta}));
        all.push(json!({"type": "content_block_stop", "index": index}));
    }
    let delta = json!({"stop_reason": stop, "stop_sequence": null});
    all.push(json!({"type": "message_delta", "delta": delta, "usage": {"output_tokens": 5}}));
    all.push(json!({"type": "message_stop"}));
    let event =
        |event: &Value| format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap_or_default());
    all.iter().map(event).collect()
}

/// An id that no other process gave out either: the client drops a tool call whose id the resumed transcript has
/// already, and goes on with "[Tool use interrupted]".
fn fresh(kind: &str) -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    format!("{kind}_{:016x}", RandomState::new().hash_one(COUNT.fetch_add(1, Ordering::Relaxed)))
}

/// Holds answers back until the test opens it, or drops it.
#[derive(Default)]
pub(crate) struct Gate(Latch);

/// A script's handle on a [`Gate`].
#[derive(Clone, Default)]
pub(crate) struct Latch(Arc<(Mutex<bool>, Condvar)>);

impl Gate {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn latch(&self) -> Latch {
        self.0.clone()
    }

    /// Lets everything through from now on.
    pub(crate) fn open(&self) {
        let (open, opened) = &*self.0.0;
        *locked(open) = true;
        opened.notify_all();
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.open();
    }
}

impl Latch {
    /// Returns once the gate is open.
    pub(crate) fn wait(&self) {
        let (open, opened) = &*self.0;
        let guard = opened.wait_while(locked(open), |open| !*open);
        drop(guard.unwrap_or_else(PoisonError::into_inner));
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
