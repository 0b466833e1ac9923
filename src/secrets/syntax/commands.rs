//! Commands: which of their words are secrets, as the programs read them. A line of the table adds a
//! program.

use std::ops::Range;

use super::{OnFound, blank, in_name, run};
use crate::secrets::judge::{self, Closeness};
use crate::secrets::names::NameMeaning;

/// Programs, and where they take a secret. In a form, `@` is the secret, with the text before it in its
/// word; `*` is anything, `..` any words. `'@` is in quotes, `@:` before a colon, `@@` ends before the
/// last `@`.
pub(in crate::secrets) const COMMANDS: &[(&[&str], &[&str])] = &[
    (
        &[
            "mysql",
            "mysqldump",
            "mysqladmin",
            "mysqlimport",
            "mysqlcheck",
            "mysqlsh",
            "mariadb",
            "mariadb-dump",
            "mariadb-admin",
        ],
        &["-p@"],
    ),
    (&["sshpass"], &["-p @", "-p@"]),
    (
        &["docker", "podman", "nerdctl", "buildah", "skopeo", "crane", "helm"],
        &["login .. -p @", "--creds *:@", "--src-creds *:@", "--dest-creds *:@"],
    ),
    (&["redis-cli", "valkey-cli"], &["-a @"]),
    (
        &["openssl"],
        &[
            "-k @",
            "-K @",
            "-passin pass:@",
            "-passout pass:@",
            "-pass pass:@",
            "-password pass:@",
            "-macopt *key:@",
        ],
    ),
    (&["htpasswd"], &["-n*b* * @", "-*b* * * @", "-b*n* * @"]),
    (
        &["aws"],
        &[
            "configure set *secret* @",
            "configure set *token* @",
            "--secret-string @",
            "put-parameter .. --value @",
            "--authorization-token @",
        ],
    ),
    (&["gh"], &["secret set * .. -b @", "secret set * .. --body @", "secret set * .. -b@"]),
    (&["kubectl", "oc"], &["login .. -p @", "login .. --token=@", "--token @"]),
    (&["vault", "bao"], &["login @", "unseal @", "unwrap @"]),
    (&["poetry"], &["config pypi-token.* @", "config http-basic.* * @"]),
    (&["composer"], &["config .. http-basic.* * @", "config .. *-oauth.* @", "config .. bearer.* @"]),
    (&["cargo"], &["login @", "--token @"]),
    (&["twine"], &["-p @"]),
    (
        &["npm", "yarn", "pnpm"],
        &["config set *_authToken @", "config set *_auth @", "config set *_password @", "set *_authToken @"],
    ),
    (&["gem"], &["--key @", "-k @"]),
    (&["az"], &["login .. -p @", "secret set .. --value @", "--account-key @", "--sas-token @"]),
    (&["mongosh", "mongo", "mongodump", "mongorestore", "mongoexport", "mongoimport"], &["-p @", "-p@"]),
    (&["sqlcmd", "bcp", "osql", "isql", "tsql"], &["-P @", "-P@"]),
    (&["sqlplus", "rman", "expdp", "impdp", "sqlldr"], &["*/@@", "*/@"]),
    (&["smbclient", "rpcclient", "smbget"], &["-U *%@", "-U*%@", "--user *%@", "--user=*%@"]),
    (&["lftp"], &["-u *,@", "-u*,@"]),
    (&["zip", "unzip"], &["-P @", "-P@"]),
    (&["7z", "7za", "7zz", "rar", "unrar"], &["-p@", "-hp@"]),
    (&["ldapsearch", "ldapadd", "ldapmodify", "ldapdelete", "ldapwhoami", "ldappasswd"], &["-w @", "-w@"]),
    (&["snmpwalk", "snmpget", "snmpset", "snmpbulkwalk"], &["-A @", "-X @"]),
    (&["ipmitool"], &["-P @"]),
    (&["rclone"], &["config .. pass @", "obscure @"]),
    (&["mc"], &["alias set * * * @"]),
    (&["rabbitmqctl"], &["add_user * @", "change_password * @", "authenticate_user * @"]),
    (&["influx"], &["-password @", "-t @", "--token @"]),
    (&["cqlsh", "clickhouse-client"], &["-p @"]),
    (&["etcdctl"], &["--user *:@", "--user=*:@"]),
    (
        &["curl"],
        &[
            "-u *:@",
            "-u*:@",
            "--user *:@",
            "--user=*:@",
            "-u @:",
            "--user @:",
            "-U *:@",
            "--proxy-user *:@",
            "--oauth2-bearer @",
            "--pass @",
        ],
    ),
    (&["http", "https", "xh"], &["-a *:@", "--auth *:@", "--auth=*:@", "-a @"]),
    (&["wpa_passphrase"], &["* @"]),
    (&["useradd", "usermod"], &["-p @"]),
    (&["nmcli"], &["password @"]),
    (&["xfreerdp", "wlfreerdp"], &["/p:@"]),
    (&["ssh-keygen"], &["-N @", "-P @"]),
    (&["EAP", "XAUTH"], &["'@"]),
    (&["IDENTIFY"], &["@"]),
    (&["rdesktop"], &["-p @"]),
    (&["cadaver", "ncftp", "ncftpget", "ncftpput"], &["-p @"]),
    (&["svn", "hg"], &["--password @"]),
    (&["psexec.py", "secretsdump.py", "wmiexec.py"], &["*:@@"]),
    (&["plink", "pscp", "psftp"], &["-pw @"]),
    (&["kinit"], &["--password=@"]),
    (&["createUser"], &["* * @", ".. AES @", ".. DES @"]),
    (&["IDENTIFIED BY", "identified by", "Identified by"], &["'@"]),
    (&["IDENTIFIED WITH", "identified with"], &["* BY '@", "* by '@", "* AS '@"]),
    (&["LOGIN"], &["* @"]),
    (&["AUTH"], &["@", "PLAIN @", "* @"]),
];

/// What is piped into these, or written to a file of such a name, is a secret.
const TAKERS: [&str; 16] = [
    "--password-stdin",
    "--with-token",
    "chpasswd",
    "secret put",
    "secrets create",
    "secrets versions add",
    "passwd",
    "--passphrase-fd 0",
    "secret set",
    "--stdin",
    "vault write",
    "vault kv put",
    "pass insert",
    "cryptsetup",
    "docker secret create",
    "kubeseal",
];

/// The most words of a command.
const MOST_WORDS: usize = 120;

/// A word of a command, as it is written and without the quotes around all of it.
struct Word {
    span: Range<usize>,
}

/// Reads the command that begins with the name of a program; returns where the words end that were read.
pub(in crate::secrets) fn read(
    text: &[u8],
    program: Range<usize>,
    forms: &[&str],
    found: &mut OnFound<'_>,
) -> Option<usize> {
    if !is_program(text, &program) {
        return None;
    }
    let words = words(text, program.end);
    offer(text, &words, forms, found);
    words.last().map(|word| word.span.end)
}

/// Reads the command whose words are literals of a list: `['mysql', '-p…']`, `"Path": "mysql", "Args": ["-p…"]`.
pub(in crate::secrets) fn listed(
    text: &[u8],
    program: Range<usize>,
    forms: &[&str],
    found: &mut OnFound<'_>,
) {
    if begins_literal(text, &program) {
        offer(text, &literals(text, program.end + 1), forms, found);
    }
}

/// Whether the name of a program, perhaps behind a path, is all of a literal.
pub(in crate::secrets) fn begins_literal(text: &[u8], program: &Range<usize>) -> bool {
    let path = super::run_back(text, program.start, 80, |byte| in_name(byte) || byte == b'/');
    let is_path = path == 0 || text[program.start - 1] == b'/';
    let quote = (program.start - path).checked_sub(1).map(|at| text[at]);
    is_path && quote.is_some_and(|byte| b"\"'".contains(&byte))
}

/// Returns the literals from a place on, with commas or ends of lines between them; a key such as `args` may begin them.
fn literals(text: &[u8], mut at: usize) -> Vec<Word> {
    let between = |byte: u8| byte.is_ascii_whitespace() || b",[(&".contains(&byte);
    let mut words = Vec::new();
    while words.len() < MOST_WORDS {
        at += run(text, at, 80, between);
        let key = run(text, at, 16, |byte| byte.is_ascii_alphabetic() || b"\"'".contains(&byte));
        let sign = at + key;
        if words.is_empty() && key > 0 && text.get(sign) == Some(&b':') {
            let name = super::str_of(text, at..sign).to_ascii_lowercase();
            if !name.contains("arg") && !name.contains("command") {
                return words;
            }
            at = sign + 1;
            continue;
        }
        let Some(inside) = super::assigned::literal(text, at) else { break };
        at = inside.end + 1;
        words.push(Word { span: inside });
    }
    words
}

fn offer(text: &[u8], words: &[Word], forms: &[&str], found: &mut OnFound<'_>) {
    for form in forms {
        let form: Vec<&str> = form.split(' ').collect();
        for start in 0..words.len() {
            if let Some(span) = matches(text, &form, &words[start..]) {
                let value = super::str_of(text, span.clone());
                if judge::is_secret_under(NameMeaning::Password, "password", value, Closeness::Place) {
                    found(span, "");
                }
            }
        }
    }
}

/// Whether a word is a program's name at the beginning of words of its own.
pub(in crate::secrets) fn is_program(text: &[u8], program: &Range<usize>) -> bool {
    let before = program.start.checked_sub(1).and_then(|at| text.get(at));
    // What follows a placeholder at once was a part of a word.
    before.is_none_or(|byte| !in_name(*byte) && !b"=@$\xbb".contains(byte))
        && text.get(program.end).is_some_and(|byte| blank(*byte))
}

/// Takes the words of a command apart as a shell does, to the end of the command.
fn words(text: &[u8], mut at: usize) -> Vec<Word> {
    let mut words = Vec::new();
    while words.len() < MOST_WORDS {
        at += run(text, at, 200, blank);
        if text[at.min(text.len())..].starts_with(b"\\\n") {
            at += 2;
            continue;
        }
        let start = at;
        let mut quote = None;
        while let Some(&byte) = text.get(at) {
            match (byte, quote) {
                (b'\n', _) => break,
                (b'\\', None | Some(b'"')) => at += 1,
                (byte, Some(open)) if byte == open => quote = None,
                (b'"' | b'\'', None) => quote = Some(byte),
                (b' ' | b'\t' | b'|' | b';' | b'>' | b')' | b'`', None) => break,
                _ => {}
            }
            at += 1;
        }
        at = at.min(text.len());
        if at == start {
            break;
        }
        words.push(Word { span: start..at });
    }
    words
}

/// Returns the text in the place of `@`, if the words match a form.
fn matches(text: &[u8], form: &[&str], words: &[Word]) -> Option<Range<usize>> {
    let (first, rest) = form.split_first()?;
    if *first == ".." {
        return (0..words.len()).find_map(|skip| matches(text, rest, &words[skip..]));
    }
    let span = unquoted(text, words.first()?.span.clone());
    let word = super::str_of(text, span.clone());
    if *first == "'@" {
        let start = words.first()?.span.start;
        // In raw JSON the quote is escaped.
        if text[start..].starts_with(b"\\\"") {
            return Some(
                start + 2..start + 2 + run(text, start + 2, 200, |byte| byte > b' ' && byte != b'\\'),
            );
        }
        let quoted = super::assigned::literal(text, start);
        return quoted.filter(|inner| inner.len() >= 6);
    }
    if *first == "@:" {
        let key = word.strip_suffix(':').filter(|key| key.len() >= 16 && !key.contains(':'))?;
        return Some(span.start..span.start + key.len());
    }
    if let Some(before) = first.strip_suffix('@') {
        let (before, cuts) = before.strip_suffix('@').map_or((before, false), |before| (before, true));
        let skipped = match before.strip_prefix('*') {
            Some(sign) if !sign.is_empty() => {
                word.find(sign).filter(|at| *at > 0 && !word.contains("://"))? + sign.len()
            }
            _ => word.strip_prefix(head(before)?).and_then(|rest| after_star(before, rest))?,
        };
        let end = if cuts { span.start + word.rfind('@').filter(|at| *at > skipped)? } else { span.end };
        let inner = unquoted(text, span.start + skipped..end);
        return (inner.len() >= 6).then_some(inner);
    }
    (is_like(first, word)).then(|| matches(text, rest, &words[1..]))?
}

/// The part before the first star of a form.
fn head(before: &str) -> Option<&str> {
    before.split('*').next()
}

/// How much of a word belongs to the part before `@`, with a star in its middle.
fn after_star(before: &str, rest: &str) -> Option<usize> {
    let head = head(before)?.len();
    match before[head..].strip_prefix('*') {
        Some(sign) => rest.find(sign).map(|at| head + at + sign.len()),
        None => Some(head),
    }
}

/// Whether a word is as a form with stars says.
fn is_like(form: &str, word: &str) -> bool {
    let mut parts = form.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = word.strip_prefix(first) else { return false };
    let parts: Vec<&str> = parts.collect();
    if parts.is_empty() {
        return rest.is_empty();
    }
    for part in &parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    (rest.is_empty() || parts.last() == Some(&"")) && !(form == "*" && word.starts_with('-'))
}

fn unquoted(text: &[u8], span: Range<usize>) -> Range<usize> {
    match text.get(span.clone()) {
        Some([open @ (b'"' | b'\''), .., close]) if open == close => span.start + 1..span.end - 1,
        // The quote of what is around the command.
        Some([.., b'"' | b'\'']) if !text[span.start..span.end - 1].contains(&text[span.end - 1]) => {
            span.start..span.end - 1
        }
        _ => span,
    }
}

/// Reads `echo …`: text that is piped into a program that takes a secret, or written to a file whose
/// name says that it holds one.
pub(in crate::secrets) fn echoed(text: &[u8], echo: Range<usize>, found: &mut OnFound<'_>) {
    let words = words(text, echo.end.saturating_sub(1));
    let Some(word) = words.iter().find(|word| text[word.span.start] != b'-') else { return };
    let span = unquoted(text, word.span.clone());
    let rest = super::str_of(text, span.end..super::line_end(text, span.end).min(span.end + 200));
    let into = TAKERS.iter().any(|taker| rest.contains(taker)) && rest.contains('|');
    let file = rest.split_once('>').is_some_and(|(_, file)| {
        let file = file.to_ascii_lowercase();
        ["passw", "secret", "token", "credential", "api-key", "apikey", "api_key"]
            .iter()
            .any(|word| file.contains(word))
    });
    if !into && !file {
        return;
    }
    let value = super::str_of(text, span.clone());
    let user = value.find(':').filter(|_| rest.contains("chpasswd")).map_or(0, |at| at + 1);
    if judge::is_secret_under(NameMeaning::Password, "password", &value[user..], Closeness::Place) {
        found(span.start + user..span.end, "");
    }
}
