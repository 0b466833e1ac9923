//! Files of `src` don't use each other in a circle, and none is long.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::support::Must;
use crate::tidy::sources;

/// The most lines of a file, its unit tests included.
const LONGEST: usize = 500;

/// Circles that are there: to be opened. Nothing is added here.
const CIRCLES: [&[&str]; 2] = [
    &["risk/expand", "risk/scripts", "risk/state", "risk/steps", "risk/targets", "risk/wrappers"],
    &["risk/shell", "risk/word"],
];

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

/// Which module's file each module's file uses; a folder's own `mod.rs` is no circle with what is in the folder.
fn uses() -> BTreeMap<Module, BTreeSet<Module>> {
    let files: BTreeMap<Module, String> = sources()
        .into_iter()
        .filter(|(path, _)| path != Path::new("main.rs"))
        .map(|(path, code)| (module_of(&path), code))
        .collect();
    let file_of = |mut path: Module| {
        while !path.is_empty() && !files.contains_key(&path) {
            path.pop();
        }
        path
    };
    let mut all = BTreeMap::new();
    for (own, code) in &files {
        let absolute = |path: Module| match path[0].as_str() {
            "crate" => path[1..].to_vec(),
            "super" | "self" => {
                let up = path.iter().take_while(|name| *name == "super").count();
                let names = path[up..].iter().filter(|name| *name != "self").cloned();
                own[..own.len().saturating_sub(up)].iter().cloned().chain(names).collect()
            }
            _ => own.iter().cloned().chain(path).collect(),
        };
        let children: Vec<&str> = files
            .keys()
            .filter(|child| child.len() == own.len() + 1 && child.starts_with(own))
            .map(|child| child[own.len()].as_str())
            .collect();
        let named =
            paths_from(code, &["crate", "super", "self"]).into_iter().chain(paths_from(code, &children));
        let used = named.map(|path| file_of(absolute(path)));
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

#[test]
fn no_files_use_each_other_in_a_circle() {
    let uses = uses();
    let reach: BTreeMap<&Module, BTreeSet<Module>> =
        uses.keys().map(|module| (module, reached(module, &uses))).collect();
    let mut circles: BTreeSet<Vec<String>> = BTreeSet::new();
    for (module, others) in reach.iter().filter(|(module, others)| others.contains(**module)) {
        let circle = others.iter().filter(|other| reach[other].contains(*module));
        circles.insert(circle.map(|other| other.join("/")).collect());
    }
    let is_known = |circle: &&Vec<String>| {
        CIRCLES.iter().any(|known| circle.iter().all(|file| known.contains(&file.as_str())))
    };
    let new: Vec<_> = circles.iter().filter(|circle| !is_known(circle)).collect();
    assert!(new.is_empty(), "these use each other in a circle: {new:#?}");
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
