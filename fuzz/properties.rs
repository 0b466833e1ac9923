//! What must hold for any bytes whatever: one function a fuzz target. They panic where it does not.
//!
//! `fuzz/run` searches for bytes that break them; `tests/it/fuzzed.rs` replays the kept ones.

use std::path::{Path, PathBuf};

use claude_snap::base::digest::{GitHash, ObjectId};
use claude_snap::base::paths::RepoPath;
use claude_snap::base::{compress, screen};
use claude_snap::json::shape;
use claude_snap::manifest::attestation;
use claude_snap::manifest::{DiffForm, Manifest, seal};
use claude_snap::remap::{MapSpec, PathMap, RemapMode, RemapReport, Remapper};
use claude_snap::restore::protected_paths;
use claude_snap::secrets::{Hit, Scanner};
use claude_snap::stored_patch::{self, encoding};
use claude_snap::transfer::bundle;
use claude_snap::{diff, risk};

/// Runs the property of this name; `false` if there is none.
pub fn run(name: &str, data: &[u8]) -> bool {
    match name {
        "manifest" => manifest(data),
        "transcript" => transcript(data),
        "rules" => rules(data),
        "path" => path(data),
        "hunks" => hunks(data),
        "patch" => patch(data),
        "object" => object(data),
        "screen" => screen(data),
        "bundle" => bundle(data),
        "secrets" => secrets(data),
        _ => return false,
    }
    true
}

/// A manifest that is read can be written, and means the same when it is read again.
pub fn manifest(data: &[u8]) {
    let _proofs = attestation::Proofs::of(data);
    let _shape = (shape::check(data), shape::refuse_repeated_keys(data));
    // The checksum would stop all that is of interest.
    let Ok(sealed) = seal(data.to_vec()) else { return };
    let Ok(manifest) = Manifest::from_json(&sealed) else { return };
    let written = manifest.to_json().expect("what was read can be written");
    let again = Manifest::from_json(&written).expect("what was written can be read");
    assert_eq!(again.to_json().expect("written"), written);
    let _size = (manifest.unfolded(), manifest.objects());
}

/// A record stays as valid JSON as it was, and what was rewritten is not rewritten again.
pub fn transcript(data: &[u8]) {
    let spec = MapSpec {
        roots: vec![
            ("/home/ada/app".into(), "/srv/b/app two".into()),
            ("/home/ada/.claude".into(), "/root/.claude".into()),
        ],
        slugs: vec![("-home-ada-app".into(), "-srv-b-app-two".into())],
        session: Some((
            "c137e379-838e-4509-8148-16b407691758".into(),
            "00000000-0000-4000-8000-000000000000".into(),
        )),
        home: Some(("/home/ada".into(), "/root".into())),
        ..MapSpec::default()
    };
    let map = PathMap::build(&spec).expect("a map");
    for mode in [RemapMode::Rewrite, RemapMode::Keep] {
        let remapper = Remapper::new(&map, mode).expect("a remapper");
        for line in data.split(|byte| *byte == b'\n') {
            let mut out = Vec::new();
            remapper.remap_line(line, &mut out, &mut RemapReport::default());
            let valid = |text: &[u8]| serde_json::from_slice::<serde_json::Value>(text).is_ok();
            assert!(!valid(line) || valid(&out), "{:?}", String::from_utf8_lossy(&out));
        }
        let mut out = Vec::new();
        remapper.remap_text(data, &mut out, &mut RemapReport::default());
    }
}

/// Rules and command lines are understood or not, and never more than that.
pub fn rules(data: &[u8]) {
    let mut rules = risk::Rules::default();
    let _understood = rules.add(data);
    let text = String::from_utf8_lossy(data);
    let place = risk::StepContext { cwd: Path::new("/r/c"), home: Path::new("/h"), around: &Anywhere };
    let input = serde_json::json!({ "command": text });
    for risk in risk::of_call(&risk::Call { tool: "Bash", input: &input }, &rules, &place) {
        assert!(risk.step.chars().count() < 400, "{}", risk.step);
        for target in &risk.touched.targets {
            assert!(target.path.is_absolute(), "{target:?}");
        }
    }
    if let Ok(input) = serde_json::from_slice(data) {
        risk::of_call(&risk::Call { tool: "mcp__fs__delete", input: &input }, &rules, &place);
    }
}

/// A machine on which everything is worth keeping.
struct Anywhere;

impl risk::Machine for Anywhere {
    fn may_have_submodules(&self, _: &Path) -> bool {
        true
    }

    fn unsaved(&self, path: &Path) -> risk::Unsaved {
        if self.is_folder(path) { risk::Unsaved::Folder } else { risk::Unsaved::Whole }
    }

    fn holds_unsaved(&self, _: &risk::Target) -> bool {
        true
    }

    fn written_over(&self, _: &[risk::Target], folder: &Path, _: bool) -> Vec<PathBuf> {
        vec![folder.join("x")]
    }

    fn variable(&self, name: &str) -> Option<String> {
        (name.len() < 3).then(|| name.to_owned())
    }

    fn top(&self, folder: &Path) -> Option<PathBuf> {
        folder.parent().map(Path::to_owned)
    }

    fn is_folder(&self, path: &Path) -> bool {
        path.as_os_str().len().is_multiple_of(2)
    }
}

/// What is accepted stays in the tree, survives JSON, and is accepted by git, too.
pub fn path(data: &[u8]) {
    let Ok(path) = RepoPath::new(data) else { return };
    assert!(git_accepts(data), "git refuses {path}");
    assert!(!data.starts_with(b"/") && !data.contains(&0));
    let joined = Path::new("/root").join(path.as_path());
    let plain = |part| matches!(part, std::path::Component::Normal(_) | std::path::Component::RootDir);
    assert!(joined.starts_with("/root") && joined.components().all(plain), "{path}");
    let json = serde_json::to_string(&path).expect("JSON");
    assert_eq!(serde_json::from_str::<RepoPath>(&json).expect("a path"), path);
    let _judged = (
        protected_paths::concern(&path, protected_paths::Shape::default(), &protected_paths::Places::new()),
        path.is_portable(),
    );
    shown_is_safe(path.to_string().as_bytes(), false);
}

/// git's `verify_path` with `core.protectNTFS` and `core.protectHFS`, for a file.
pub fn git_accepts(path: &[u8]) -> bool {
    let at = |index: usize| path.get(index).copied().unwrap_or(0);
    let mut index = 0;
    let mut inside = true;
    loop {
        if inside {
            let rest = &path[index.min(path.len())..];
            if is_hfs_dotgit(rest) || is_ntfs_dotgit(rest) {
                return false;
            }
            let c = at(index);
            index += 1;
            if c == b'.' && !verify_dotfile(&path[index.min(path.len())..]) || c == b'/' || c == 0 {
                return false;
            }
        }
        let c = at(index);
        if c == 0 {
            return true;
        }
        inside = c == b'/';
        index += 1;
        if c == b'\\' && is_ntfs_dotgit(&path[index..]) {
            return false;
        }
    }
}

fn verify_dotfile(rest: &[u8]) -> bool {
    let git = matches!(
        rest,
        [b'g' | b'G', b'i' | b'I', b't' | b'T'] | [b'g' | b'G', b'i' | b'I', b't' | b'T', b'/', ..]
    );
    !git && !matches!(rest, [] | [b'/', ..] | [b'.'] | [b'.', b'/', ..])
}

fn is_ntfs_dotgit(name: &[u8]) -> bool {
    let begins = |what: &[u8]| name.len() >= what.len() && name[..what.len()].eq_ignore_ascii_case(what);
    let rest = if begins(b".git") {
        &name[4..]
    } else if begins(b"git~1") {
        &name[5..]
    } else {
        return false;
    };
    for c in rest {
        match c {
            b'\\' | b'/' | b':' => return true,
            b'.' | b' ' => {}
            _ => return false,
        }
    }
    true
}

fn is_hfs_dotgit(name: &[u8]) -> bool {
    let component = name.split(|byte| *byte == b'/').next().unwrap_or_default();
    // git gives up on what is no UTF-8.
    let Ok(text) = std::str::from_utf8(component) else { return false };
    let ignored = |c: &char| matches!(c, '\u{200c}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{206a}'..='\u{206f}' | '\u{feff}');
    text.chars().filter(|c| !ignored(c)).collect::<String>().eq_ignore_ascii_case(".git")
}

/// A diff leads from old to new exactly; any other bytes are refused or applied, and never more than that.
pub fn hunks(data: &[u8]) {
    let (old, new) = halves(data);
    if stored_patch::is_text(old) && stored_patch::is_text(new) {
        let made = stored_patch::diff(old, new);
        assert_eq!(stored_patch::apply(old, &made.text).expect("its own diff applies"), new);
    }
    let _refused = stored_patch::apply(old, new);
    for form in [DiffForm::Hunks, DiffForm::Delta, DiffForm::Whole] {
        if let Ok(result) = encoding::apply(form, new.to_vec(), old, 5) {
            assert_eq!(result.len(), 5);
        }
    }
}

/// A diff of any origin is shown, and nothing unsafe of it is sent.
pub fn patch(data: &[u8]) {
    let mut send = |_: diff::Counted| Ok(());
    let mut counter = diff::Counter::new(&mut send);
    let _said = diff::show_patch(data, &mut counter);
    // Without colours to take off, it goes through as it is.
    if !data.contains(&0x1b) {
        assert!(shown(Form::Same, &mut &data[..], false, data.len()) == data, "not the same");
    }
    // However it comes, what is shown is the same.
    for form in [Form::Same, Form::InPlace, Form::Stacked, Form::Columns] {
        for color in [false, true] {
            let whole = shown(form, &mut &data[..], color, usize::MAX);
            for size in [1, 2, 7, 1 + data.len() / 3, 1 + usize::from(data.first().copied().unwrap_or(0))] {
                let cut = shown(form, &mut &data[..], color, size);
                assert!(cut == whole, "{form:?} in pieces of {size}:\n{}", String::from_utf8_lossy(&cut));
            }
        }
    }
    let _said = diff::show_hunks(data, 8 << 20, &mut counter);
    if !data.contains(&0x1b) {
        nothing_is_lost(data);
    }
}

/// In which form a diff is shown.
#[derive(Clone, Copy, Debug)]
enum Form {
    Same,
    InPlace,
    Stacked,
    Columns,
}

/// Gives bytes in pieces of one size.
struct Pieces<'p, 'd>(&'p mut &'d [u8], usize);

impl std::io::Read for Pieces<'_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let size = self.1.min(buffer.len());
        std::io::Read::read(self.0, &mut buffer[..size])
    }
}

/// What is shown of a diff that comes in pieces of a size, with a rest behind each.
fn shown(form: Form, data: &mut &[u8], color: bool, size: usize) -> Vec<u8> {
    let mut made = Vec::new();
    let mut send = |block: Vec<u8>| {
        made.extend(block);
        Ok(())
    };
    let mut out = diff::BlockWriter::new(true, &mut send);
    let theme = diff::Theme { background: diff::Background::Dark, ..diff::Theme::default() };
    let look = diff::Look { color, theme, max_line: usize::MAX, ..diff::Look::default() };
    let input = Pieces(data, size);
    let said = match form {
        Form::Same => diff::show_patch_as_it_comes(input, || true, &mut diff::Same::new(&mut out)),
        Form::InPlace => {
            diff::show_patch_as_it_comes(input, || true, &mut diff::Painted::in_place(&mut out, look))
        }
        Form::Stacked => {
            diff::show_patch_as_it_comes(input, || true, &mut diff::Painter::new(&mut out, look))
        }
        Form::Columns => {
            diff::show_patch_as_it_comes(input, || true, &mut diff::Columns::new(&mut out, look))
        }
    };
    said.expect("shown");
    out.flush().expect("shown");
    made
}

/// Every line that is no header is in what is painted, in its order, whatever else stands there; and as many lines come
/// out of the form that keeps them in place.
fn nothing_is_lost(data: &[u8]) {
    let painted = |form: Form| shown(form, &mut &data[..], false, usize::MAX);
    // Text in another encoding is read as what it is; of binary content is said that it is there.
    if std::str::from_utf8(data).is_err() || memmem(data, b"GIT binary patch") {
        return;
    }
    let made = painted(Form::Stacked);
    let mut rest = &made[..];
    for line in data.split(|byte| *byte == b'\n').filter(|line| !is_header(line)) {
        let mut safe = Vec::new();
        screen::push_safe(&mut safe, line.trim_ascii_start().trim_ascii_end());
        // The signs stand in a column of their own; a carriage return may end a line of a header.
        let text: &[u8] = safe.strip_suffix(b"\\r").unwrap_or(&safe);
        let text = &text[text.iter().take_while(|byte| b"+- \t".contains(byte)).count()..];
        let at = rest.windows(text.len().max(1)).position(|place| place == text).filter(|_| !text.is_empty());
        assert!(text.is_empty() || at.is_some(), "{:?} is lost", String::from_utf8_lossy(line));
        rest = &rest[at.map_or(0, |at| at + text.len())..];
    }
    let ends = |text: &[u8]| text.iter().filter(|byte| **byte == b'\n').count();
    if !data.contains(&b'\\') {
        assert_eq!(ends(&painted(Form::InPlace)), ends(data));
    }
}

fn memmem(text: &[u8], words: &[u8]) -> bool {
    text.windows(words.len()).any(|place| place == words)
}

/// Says whether a line may be one of a header, which is shown in other words.
fn is_header(line: &[u8]) -> bool {
    const HEADERS: [&[u8]; 17] = [
        b"diff -",
        b"index ",
        b"--- ",
        b"+++ ",
        b"@@",
        b"new file mode",
        b"deleted file mode",
        b"old mode",
        b"new mode",
        b"mode ",
        b"similarity ",
        b"dissimilarity ",
        b"rename ",
        b"copy ",
        b"Binary files",
        b"GIT binary patch",
        b"\\",
    ];
    HEADERS.iter().any(|header| line.starts_with(header))
}

/// A frame holds exactly what it should, whichever way it is read.
pub fn object(data: &[u8]) {
    for size in [0, 5, 1 << 16] {
        let whole = compress::decompress(data, size).ok();
        let mut pieces = Vec::new();
        let streamed = compress::decompress_into(data, size, |piece| pieces.extend_from_slice(piece)).ok();
        assert_eq!(whole.is_some(), streamed.is_some());
        if let Some(whole) = whole {
            assert_eq!((whole.len() as u64, &whole), (size, &pieces));
        }
    }
    let (old, delta) = halves(data);
    let _refused = compress::apply_delta(old, delta, 100);
    let frame = compress::compress(data).expect("compressed");
    assert_eq!(compress::decompress(&frame, data.len() as u64).expect("its own frame"), data);
}

/// Nothing that moves the cursor, hides or reorders text gets to the screen.
pub fn screen(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    shown_is_safe(screen::Line(&text).to_string().as_bytes(), false);
    shown_is_safe(screen::Lines(&text).to_string().as_bytes(), true);
    shown_is_safe(screen::cut(&text, 20).as_bytes(), false);
    assert!(screen::cut(&text, 20).chars().count() <= 20);
    let mut out = Vec::new();
    screen::push_safe(&mut out, data);
    out.retain(|byte| *byte != b'\t');
    shown_is_safe(&out, false);
    let json = serde_json::to_string(&*text).expect("JSON");
    let safe = screen::json(&json).to_string();
    shown_is_safe(safe.as_bytes(), false);
    assert_eq!(serde_json::from_str::<String>(&safe).expect("JSON"), text);
}

fn shown_is_safe(shown: &[u8], line_ends: bool) {
    let text = std::str::from_utf8(shown).expect("text");
    let mut before = None;
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let hides = matches!(c, '\u{ad}' | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{2800}' | '\u{3164}' | '\u{ffa0}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e0fff}');
        // The two joiners are part of words in some scripts, and of emoji: in no word of ASCII, and at no end of one.
        let is_word = |c: Option<char>| c.is_some_and(|c| !c.is_ascii() && !c.is_whitespace());
        let joins = matches!(c, '\u{200c}' | '\u{200d}') && is_word(before) && is_word(rest.peek().copied());
        assert!((!hides || joins) && (!c.is_control() || line_ends && c == '\n'), "{c:?} in {text:?}");
        before = Some(c);
    }
}

/// A bundle is refused or read to its end, and asks for no more memory than it has bytes for.
pub fn bundle(data: &[u8]) {
    let Ok((mut reader, _head)) = bundle::BundleReader::begin(data) else { return };
    while let Ok(Some((_, frame))) = reader.next(|_: ObjectId| Some(1 << 16)) {
        assert!(frame.len() <= 1 << 16);
    }
    let _refused = reader.finish();
}

/// Secrets are found or not; what was taken out is not found again; records stay JSON.
pub fn secrets(data: &[u8]) {
    let scanner = Scanner::new(Vec::new());
    for finding in scanner.find(data) {
        assert!(finding.span.start <= finding.span.end && finding.span.end <= data.len());
    }
    let mut decide = |_: &Hit<'_>| Some("«snap:secret:x:aaaaaaaaaaaa»".to_owned());
    let valid = |text: &[u8]| serde_json::from_slice::<serde_json::Value>(text).is_ok();
    for line in data.split(|byte| *byte == b'\n') {
        if let Some(redacted) = scanner.redact_records(line, &mut decide) {
            assert!(
                !valid(line) || redacted.is_empty() || valid(&redacted),
                "{:?}",
                String::from_utf8_lossy(&redacted)
            );
        }
    }
    let _text = scanner.redact_text(data, &mut decide);
    let _blob = GitHash::Sha1.blob_id(data);
}

fn halves(data: &[u8]) -> (&[u8], &[u8]) {
    match data.split_first() {
        Some((at, rest)) => rest.split_at((usize::from(*at) * rest.len() / 255).min(rest.len())),
        None => (data, data),
    }
}
