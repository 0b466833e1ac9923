//! The `snap` program; everything it does is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    claude_snap::cli::main()
}
