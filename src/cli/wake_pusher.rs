//! Waking the process that pushes what is shared: started, and not waited for.

use std::path::Path;
use std::process::{Command, Stdio};

use super::program_name;
use crate::context::Context;

/// Starts it for a clone. If that fails, the next hook does it.
pub(crate) fn push_behind(context: &Context, home: &Path) {
    let Ok(program) = std::env::current_exe() else { return };
    let mut command = Command::new(program);
    program_name::pass_on(&mut command);
    command.arg("-C").arg(home);
    if let Some(store) = &context.store {
        command.arg("--store").arg(store);
    }
    command.args(["sync", "--background"]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let _later = command.spawn();
}
