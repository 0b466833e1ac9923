//! What a tool's result says of work in the background: which shell it started, and which task it says has ended.
//!
//! Pure. A shell that was stopped by a tool, or of which a tool said that it is over, gets no notification.

use std::borrow::Cow;

use memchr::memmem;
use serde::Deserialize;
use serde_json::value::RawValue;

/// What is looked at in the result, as the client's own tools see it.
#[derive(Deserialize, Default)]
struct ResultFields<'a> {
    #[serde(rename = "backgroundTaskId", borrow, default)]
    started: Option<Cow<'a, str>>,
    /// Of `TaskStop`.
    #[serde(borrow, default)]
    task_id: Option<Cow<'a, str>>,
    /// Of `KillShell`; of `BashOutput` with a status.
    #[serde(alias = "shellId", borrow, default)]
    shell_id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    status: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    message: Option<Cow<'a, str>>,
    /// Of `TaskOutput`.
    #[serde(borrow, default)]
    task: Option<TaskAnswer<'a>>,
}

#[derive(Deserialize)]
struct TaskAnswer<'a> {
    #[serde(borrow)]
    task_id: Cow<'a, str>,
    #[serde(borrow)]
    status: Cow<'a, str>,
}

/// What a result says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct BackgroundChange {
    /// The shell that was started.
    pub(super) started: Option<String>,
    /// The shell or other task that is over.
    pub(super) ended: Option<String>,
}

/// What a result has to hold to say any of this.
const MARKS: [&str; 4] = ["\"backgroundTaskId\"", "\"task_id\"", "\"shell_id\"", "\"shellId\""];

impl BackgroundChange {
    pub(super) fn by(result: &RawValue) -> BackgroundChange {
        // A result can be a whole file, and is rarely about this.
        let text = result.get().as_bytes();
        if !(text.starts_with(b"{") && MARKS.iter().any(|mark| memmem::find(text, mark.as_bytes()).is_some()))
        {
            return BackgroundChange::default();
        }
        let view: ResultFields<'_> = serde_json::from_str(result.get()).unwrap_or_default();
        let is_over = |status: &str| !matches!(status, "running" | "pending");
        let ended = match (view.task, view.task_id, view.shell_id, view.status) {
            (Some(task), ..) => Some(task.task_id).filter(|_| is_over(&task.status)),
            (None, None, Some(shell), Some(status)) => Some(shell).filter(|_| is_over(&status)),
            // What only says that it stopped something.
            (None, Some(task), ..) | (None, None, Some(task), None) => {
                Some(task).filter(|_| view.message.is_some())
            }
            _ => None,
        };
        BackgroundChange { started: view.started.map(Cow::into_owned), ended: ended.map(Cow::into_owned) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_is_over_when_a_tool_stopped_it_or_says_so() {
        for (result, wanted) in [
            (r#"{"stdout":"","backgroundTaskId":"b1"}"#, (Some("b1"), None)),
            (
                r#"{"message":"Successfully stopped task: b1 (x)","task_id":"b1","task_type":"local_bash"}"#,
                (None, Some("b1")),
            ),
            (r#"{"message":"Successfully killed shell: b1 (x)","shell_id":"b1"}"#, (None, Some("b1"))),
            (
                r#"{"retrieval_status":"success","task":{"task_id":"b1","task_type":"local_bash","status":"completed","exitCode":0}}"#,
                (None, Some("b1")),
            ),
            (r#"{"retrieval_status":"not_ready","task":{"task_id":"b1","status":"running"}}"#, (None, None)),
            (r#"{"shellId":"b1","command":"x","status":"completed"}"#, (None, Some("b1"))),
            (r#"{"shellId":"b1","command":"x","status":"running"}"#, (None, None)),
            (r#"{"task":{"id":"3","subject":"write"}}"#, (None, None)),
            (r#"{"taskId":"3","statusChange":{"from":"a","to":"b"}}"#, (None, None)),
        ] {
            let result = RawValue::from_string(result.to_owned()).expect("JSON");
            let told = BackgroundChange::by(&result);
            assert_eq!((told.started.as_deref(), told.ended.as_deref()), wanted, "{result}");
        }
    }
}
