//! Which old folder stands for a root, told by what is below both: for a session whose folder is gone, renamed, or on a
//! machine of another kind.
//!
//! Pure: what is there is asked of the caller. Prefers to say that there is none to taking a wrong one, which would turn
//! paths into some that never existed.

use crate::remap::root::Root;

/// How many folders above the session's own are tried.
const MOST_ABOVE: usize = 6;

/// Returns the old folder that corresponds to a root, for a session that worked in the folder `first` and named `paths`.
///
/// `is_there` is asked whether there is something at these steps below the root. `None` if nothing that the session named
/// below its folder is there.
pub fn counterpart(first: &str, paths: &[&str], is_there: impl Fn(&[String]) -> bool) -> Option<String> {
    let first = Root::parse(first)?;
    let named: Vec<Root> = paths.iter().filter_map(|path| Root::parse(path)).collect();
    let of_folder = |up: usize| -> Option<(usize, usize, Root)> {
        let (folder, way) = first.split(up)?;
        if up > 0 && !is_there(way) {
            return None;
        }
        let below = || named.iter().filter_map(|path| path.below(&folder)).filter(|way| !way.is_empty());
        let found = below().filter(|way| is_there(way)).count();
        // Nothing that it named below is there, so this is another place.
        if found == 0 && below().next().is_some() {
            return None;
        }
        // Two names that fit are no chance.
        Some((found + usize::from(up > 1), MOST_ABOVE - up, folder))
    };
    let best = (0..MOST_ABOVE).filter_map(of_folder).max_by_key(|(found, nearest, _)| (*found, *nearest));
    best.map(|(_, _, folder)| folder.native())
}

/// Returns the way from one folder down to another, if it lies there.
pub fn way_below(path: &str, folder: &str) -> Option<Vec<String>> {
    let (path, folder) = (Root::parse(path)?, Root::parse(folder)?);
    path.below(&folder).map(<[String]>::to_vec)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_is_taken_under_which_most_is_where_it_was() {
        let there = ["src", "src/a.rs", "packages/web", "packages/web/b.ts", "app"];
        let of = |first: &str, paths: &[&str]| {
            counterpart(first, paths, |way| there.contains(&way.join("/").as_str()))
        };
        for (first, paths, wanted) in [
            ("/old/app", &[][..], Some("/old/app")),
            ("/old/app", &["/old/app/src/a.rs", "/etc/hosts"][..], Some("/old/app")),
            (r"C:\dev\app", &[r"C:\dev\app\src\a.rs"][..], Some(r"C:\dev\app")),
            ("/old/packages/web", &[][..], Some("/old")),
            ("/old/x/packages/web", &["/old/x/packages/web/b.ts"][..], Some("/old/x")),
            ("/old/src", &["/old/src/a.rs"][..], Some("/old")),
            ("/old/app", &["/old/app/lib/c.rs"][..], None),
            ("relative", &[][..], None),
        ] {
            assert_eq!(of(first, paths).as_deref(), wanted, "{first} {paths:?}");
        }
        assert_eq!(way_below(r"C:\dev\app\src", r"C:\dev\app"), Some(vec!["src".to_owned()]));
        assert_eq!(way_below("/a/b2", "/a/b"), None);
    }
}
