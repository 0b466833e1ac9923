//! Files of `src` don't use each other in a circle, and none is long.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::support::Must;
use crate::tidy::sources;

/// The most lines of a file, its unit tests included.
const LONGEST: usize = 500;

/// A module by the names that lead to it; the crate itself is empty.
type Module = Vec<String>;

/// The module that a file below `src` is.
fn module_of(path: &Path) -> Module {
    let path = path.with_extension("");
    let names = path.iter().map(|name| name.to_str().must("UTF-8").to_owned());
    names.filter(|name| !["mod", "lib"].contains(&name.as_str())).collect()
}

/// Reads a path of names at the start of the text, with its groups in braces; returns what is behind it.
fn read_path<'a>(text: &'a str, before: &[String], found: &mut Vec<Module>) -> &'a str {
    let mut path = before.to_vec();
    let mut rest = text.trim_start();
    loop {
        if let Some(group) = rest.strip_prefix('{') {
            rest = group.trim_start();
            while !rest.is_empty() && !rest.starts_with('}') {
                let behind = read_path(rest, &path, found).trim_start();
                // Something else than a group of names: not a use.
                if behind.len() == rest.len() {
                    return behind;
                }
                rest = behind.strip_prefix(',').unwrap_or(behind).trim_start();
            }
            return rest.strip_prefix('}').unwrap_or(rest);
        }
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        if end > 0 {
            path.push(rest[..end].to_owned());
        }
        match rest[end..].strip_prefix("::") {
            Some(more) if end > 0 => rest = more,
            _ => {
                found.push(path);
                rest = &rest[end..];
                let renamed = rest.trim_start().strip_prefix("as ").map(str::trim_start);
                return renamed
                    .map_or(rest, |name| name.trim_start_matches(|c: char| c.is_alphanumeric() || c == '_'));
            }
        }
    }
}

/// The paths in a file's code that begin with one of these words.
fn paths_from(code: &str, starts: &[&str]) -> Vec<Module> {
    let mut found = Vec::new();
    for start in starts {
        for (at, _) in code.match_indices(&format!("{start}::")) {
            let begins =
                !code[..at].ends_with(|before: char| before.is_alphanumeric() || "_:".contains(before));
            if begins {
                read_path(&code[at..], &[], &mut found);
            }
        }
    }
    found
}

/// The path from the crate that a path in a module's file means.
fn absolute(own: &Module, path: &Module) -> Module {
    match path[0].as_str() {
        "crate" => path[1..].to_vec(),
        "super" | "self" => {
            let up = path.iter().take_while(|name| *name == "super").count();
            let names = path[up..].iter().filter(|name| *name != "self").cloned();
            own[..own.len().saturating_sub(up)].iter().cloned().chain(names).collect()
        }
        _ => own.iter().chain(path).cloned().collect(),
    }
}

/// What modules hand on from elsewhere by `pub use`: the path by which it is had, and the one where it is.
fn handed_on(files: &BTreeMap<Module, String>) -> BTreeMap<Module, Module> {
    let mut all = BTreeMap::new();
    for (own, code) in files {
        for (at, _) in code.match_indices("use ") {
            let line = code[..at].rsplit('\n').next().unwrap_or_default().trim();
            if !line.starts_with("pub") {
                continue;
            }
            let mut found = Vec::new();
            read_path(&code[at + "use ".len()..], &[], &mut found);
            for path in found.iter().filter(|path| !path.is_empty()) {
                let here = own.iter().chain(path.last()).cloned().collect();
                all.insert(here, absolute(own, path));
            }
        }
    }
    all
}

/// Which module's file each module's file uses. A folder's own `mod.rs` may use what is in the folder, and be used by it:
/// only that is no circle. What it hands on counts where it is declared.
fn uses(files: &BTreeMap<Module, String>) -> BTreeMap<Module, BTreeSet<Module>> {
    let handed_on = handed_on(files);
    let file_of = |mut path: Module| loop {
        let length = (0..=path.len()).rev().find(|length| files.contains_key(&path[..*length])).unwrap_or(0);
        let known = path.get(..=length).and_then(|name| Some((name, handed_on.get(name)?)));
        path = match known {
            Some((name, there)) if name != there.as_slice() => {
                there.iter().chain(&path[length + 1..]).cloned().collect()
            }
            _ => break path[..length].to_vec(),
        };
    };
    let mut all = BTreeMap::new();
    for (own, code) in files {
        let children: Vec<&str> = files
            .keys()
            .filter(|child| child.len() == own.len() + 1 && child.starts_with(own))
            .map(|child| child[own.len()].as_str())
            .collect();
        let named =
            paths_from(code, &["crate", "super", "self"]).into_iter().chain(paths_from(code, &children));
        let used = named.map(|path| file_of(absolute(own, &path)));
        let used: BTreeSet<Module> = used.filter(|other| !own.starts_with(other)).collect();
        all.insert(own.clone(), used);
    }
    all
}

/// The modules that can be reached from one.
fn reached(from: &Module, uses: &BTreeMap<Module, BTreeSet<Module>>) -> BTreeSet<Module> {
    let (mut seen, mut next) = (BTreeSet::new(), vec![from.clone()]);
    while let Some(module) = next.pop() {
        for other in uses.get(&module).into_iter().flatten() {
            if seen.insert(other.clone()) {
                next.push(other.clone());
            }
        }
    }
    seen
}

/// The circles among files, each with all that are in it.
fn circles(files: &BTreeMap<Module, String>) -> BTreeSet<Vec<String>> {
    let uses = uses(files);
    let reach: BTreeMap<&Module, BTreeSet<Module>> =
        uses.keys().map(|module| (module, reached(module, &uses))).collect();
    let mut circles: BTreeSet<Vec<String>> = BTreeSet::new();
    for (module, others) in reach.iter().filter(|(module, others)| others.contains(**module)) {
        let circle = others.iter().filter(|other| reach[other].contains(*module));
        circles.insert(circle.map(|other| other.join("/")).collect());
    }
    circles
}

#[test]
fn no_files_use_each_other_in_a_circle() {
    let files = sources().into_iter().filter(|(path, _)| path != Path::new("main.rs"));
    let circles = circles(&files.map(|(path, code)| (module_of(&path), code)).collect());
    assert!(circles.is_empty(), "these use each other in a circle: {circles:#?}");
}

#[test]
fn a_circle_is_found_however_long_it_is_and_through_what_a_module_hands_on() {
    let found = |files: &[(&str, &str)]| -> Vec<String> {
        let files = files.iter().map(|(path, code)| (module_of(Path::new(path)), (*code).to_owned()));
        circles(&files.collect()).iter().map(|circle| circle.join(" ")).collect()
    };
    let long =
        [("a.rs", "use crate::b::B;"), ("b.rs", "crate::c::d::f()"), ("c/d.rs", "use super::super::a;")];
    assert_eq!(found(&long), ["a b c/d"]);
    let by_folder = [
        ("m/mod.rs", "mod a;\nmod b;\npub use a::{A, C};"),
        ("m/a.rs", "use super::b::B;"),
        ("m/b.rs", "use super::A;"),
    ];
    assert_eq!(found(&by_folder), ["m/a m/b"]);
    let own_folder = [("m/mod.rs", "mod a;\npub use a::A;\npub struct M;"), ("m/a.rs", "use super::M;")];
    assert_eq!(found(&own_folder), Vec::<String>::new());
}

#[test]
fn paths_are_found_in_groups_under_other_names_and_in_the_middle_of_a_line() {
    let code = "use crate::a::{self, b::C as D, e::{F, g}};\nlet x = crate::h::i(super::j::K);";
    let found: Vec<String> =
        paths_from(code, &["crate", "super"]).into_iter().map(|path| path.join("::")).collect();
    let wanted = [
        "crate::a::self",
        "crate::a::b::C",
        "crate::a::e::F",
        "crate::a::e::g",
        "crate::h::i",
        "super::j::K",
    ];
    assert_eq!(found, wanted);
}

#[test]
fn no_file_is_long() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let lines = |path: &Path| std::fs::read_to_string(top.join(path)).must("a source file").lines().count();
    let long: Vec<String> = sources()
        .into_iter()
        .filter(|(path, _)| lines(path) > LONGEST)
        .map(|(path, _)| path.to_str().must("UTF-8").to_owned())
        .collect();
    assert!(long.is_empty(), "over {LONGEST} lines: {long:?}");
}
