//! Programs of this very kind that run beside another one and wait for a network in its place: started by it, in a session of their
//! own without a terminal, and ended with all that they have started as soon as it no longer holds their standard input.

use std::io::{self, BufReader, Read as _};
use std::process::{Child, Command, Stdio};

use super::program_name;
use crate::context::Context;
use crate::sys::process;
use crate::view::Running;

/// Variables by which a window could be opened to ask for a password.
const ASK: [&str; 3] = ["SSH_ASKPASS", "DISPLAY", "WAYLAND_DISPLAY"];

/// What keeps git, ssh and helpers from asking.
const NEVER_ASK: [(&str, &str); 4] = [
    ("SSH_ASKPASS_REQUIRE", "never"),
    ("GIT_ASKPASS", ""),
    ("GIT_TERMINAL_PROMPT", "0"),
    ("GCM_INTERACTIVE", "never"),
];

/// Starts this program with these arguments.
///
/// # Errors
/// What the system says.
pub(crate) fn start(context: &Context, arguments: &[&str]) -> io::Result<Running> {
    let mut command = Command::new(std::env::current_exe()?);
    program_name::pass_on(&mut command);
    command.arg("-C").arg(&context.cwd);
    if let Some(store) = &context.store {
        command.arg("--store").arg(store);
    }
    command.args(arguments);
    for name in ASK {
        command.env_remove(name);
    }
    command.envs(NEVER_ASK);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn()?;
    let says = child.stdout.take().ok_or_else(|| io::Error::other("it has no output"))?;
    Ok(Running { says: Box::new(BufReader::new(says)), held: Box::new(ChildGuard(child)) })
}

/// A program that ends with this.
struct ChildGuard(Child);

impl Drop for ChildGuard {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
    }
}

/// Becomes such a program.
pub(crate) fn stay_beside() {
    process::leave_terminal();
    std::thread::spawn(|| {
        let mut rest = Vec::new();
        let _nothing_is_said = io::stdin().read_to_end(&mut rest);
        process::end_own_group();
    });
}
