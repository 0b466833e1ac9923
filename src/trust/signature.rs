//! SSH signatures over snapshots, made and checked by `ssh-keygen`.
//!
//! The program does the cryptography, so agents, hardware keys, certificates, expiry and revocation work as
//! they do for git. The namespace is our own: a signature for a git commit or anything else is not valid for
//! a snapshot. The signers are those of one file that the user's own configuration names. A file inside the
//! project could vouch for itself and is not used.

use std::ffi::OsStr;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::base::digest::ObjectId;
use crate::base::error::{Error, IoContext as _, Kind, Result};
use crate::sys::files;
use crate::sys::programs::Programs;

const NAMESPACE: &str = "snapshot@snap";

/// The most principals of one key that are tried.
const MOST_PRINCIPALS: usize = 16;

/// Whose signatures count.
pub struct Signers {
    /// The `allowed_signers` file, see `ssh-keygen(1)`.
    allowed: PathBuf,
    /// Keys that no longer count.
    revoked: Option<PathBuf>,
}

impl Signers {
    /// Takes the files that the user's configuration names; `project` is where none may be.
    ///
    /// # Errors
    /// [`Kind::Refused`] if no file is named, or one inside the project.
    pub fn new(allowed: Option<PathBuf>, revoked: Option<PathBuf>, project: &Path) -> Result<Signers> {
        let unusable = |why: String| {
            Error::new(Kind::Refused, "it is signed, but there is no usable list of trusted signers")
                .because(why)
        };
        let allowed = allowed
            .ok_or_else(|| unusable("`gpg.ssh.allowedSignersFile` is not set for this user".to_owned()))?;
        for file in [Some(&allowed), revoked.as_ref()].into_iter().flatten() {
            let real =
                file.canonicalize().map_err(|error| unusable(format!("{}: {error}", file.display())))?;
            // A relative path means another file in each project.
            if !file.is_absolute() || real.starts_with(project) {
                return Err(unusable(format!("{} belongs to the project", file.display())));
            }
        }
        Ok(Signers { allowed, revoked })
    }

    /// Checks a signature; returns who made it.
    ///
    /// # Errors
    /// [`Kind::Refused`] if it is by nobody of the list or of something else,
    /// [`Kind::Environment`] if it can't be checked.
    pub(super) fn verify(&self, signature: &str, body: ObjectId) -> Result<String> {
        let scratch = files::scratch_folder()?;
        let file = scratch.path().join("signature");
        std::fs::write(&file, signature).context("write", &file)?;
        let allowed = self.allowed.as_os_str();
        let found = run(
            ["-Y", "find-principals", "-s"].map(OsStr::new).into_iter().chain([
                file.as_os_str(),
                "-f".as_ref(),
                allowed,
            ]),
            b"",
        )?;
        let principals = String::from_utf8_lossy(&found.stdout).into_owned();
        for principal in principals.lines().take(MOST_PRINCIPALS) {
            let words = ["-Y", "verify", "-n", NAMESPACE, "-I", principal, "-s"].map(OsStr::new);
            let mut words: Vec<&OsStr> =
                words.into_iter().chain([file.as_os_str(), "-f".as_ref(), allowed]).collect();
            if let Some(revoked) = &self.revoked {
                words.extend([OsStr::new("-r"), revoked.as_os_str()]);
            }
            if run(words, &message(body))?.ok {
                return Ok(principal.to_owned());
            }
        }
        Err(Error::new(
            Kind::Refused,
            format!("it is signed, but not by anybody whom {} allows now", self.allowed.display()),
        ))
    }
}

/// Signs a snapshot with the key that git would sign with: a file, or a public key that an agent holds.
///
/// # Errors
/// [`Kind::Environment`] with what `ssh-keygen` says.
pub fn sign(key: &str, body: ObjectId) -> Result<String> {
    let scratch = files::scratch_folder()?;
    let literal = key.strip_prefix("key::").or_else(|| key.starts_with("ssh-").then_some(key));
    let file = match literal {
        Some(public) => {
            let file = scratch.path().join("key.pub");
            std::fs::write(&file, format!("{public}\n")).context("write", &file)?;
            file
        }
        None => PathBuf::from(key),
    };
    let words = ["-Y", "sign", "-n", NAMESPACE, "-f"].map(OsStr::new).into_iter();
    let agent = literal.map(|_| OsStr::new("-U"));
    let done = run(words.chain([file.as_os_str()]).chain(agent), &message(body))?;
    if done.ok {
        String::from_utf8(done.stdout)
            .map_err(|error| Error::new(Kind::Environment, "`ssh-keygen` made no signature").because(error))
    } else {
        Err(Error::new(Kind::Environment, "Cannot sign the snapshot")
            .because(format!("ssh-keygen: {}", crate::base::screen::cut(&done.stderr, 300)))
            .hint("`git config --global user.signingKey FILE` names the key; nothing was saved"))
    }
}

/// What is signed: a text that names the hash of the manifest's body.
fn message(body: ObjectId) -> Vec<u8> {
    format!("claude-snap snapshot\nblake3 {body}\n").into_bytes()
}

struct SignatureAnswer {
    ok: bool,
    stdout: Vec<u8>,
    stderr: String,
}

fn run<'a>(arguments: impl IntoIterator<Item = &'a OsStr>, input: &[u8]) -> Result<SignatureAnswer> {
    let programs = Programs::around(&[]);
    let Some(program) = programs.find("ssh-keygen") else {
        return Err(Error::new(Kind::Environment, "Cannot run ssh-keygen")
            .because("there is none on the PATH")
            .hint("install OpenSSH 8.9 or later"));
    };
    let failed = |error: std::io::Error| Error::io("run", &program, &error);
    let mut child = Command::new(&program)
        .args(arguments)
        .env("LC_ALL", "C")
        .env("PATH", programs.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(failed)?;
    if let Some(mut stdin) = child.stdin.take() {
        // Shorter than a pipe; and one that is closed says so by its exit.
        let _closed = stdin.write_all(input);
    }
    let output = child.wait_with_output().map_err(failed)?;
    Ok(SignatureAnswer {
        ok: output.status.success(),
        stdout: output.stdout,
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}
