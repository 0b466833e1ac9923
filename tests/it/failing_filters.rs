//! A content filter that fails, or whose program is missing, keeps nobody from saving and restoring.

use crate::random_trees::rules::set_up;
use crate::support::needs;
use crate::support::project::Project;

/// Makes git fail at a file of the same size with another content.
struct Case {
    name: &'static str,
    filter: &'static str,
    break_it: fn(&Project),
}

const CASES: [Case; 3] = [
    Case {
        name: "a program that is missing",
        filter: "gone",
        break_it: |project| {
            set(project, "filter.gone.clean", "no-such-program-anywhere");
            set(project, "filter.gone.required", "true");
        },
    },
    Case {
        name: "a process that ends at once",
        filter: "ends.at-once",
        break_it: |project| {
            set(project, "filter.ends.at-once.process", "false");
            set(project, "filter.ends.at-once.required", "true");
        },
    },
    Case {
        name: "settings that git-lfs refuses",
        filter: "lfs",
        break_it: |project| {
            project.write(".lfsconfig", "[lfs \"extension.x\"]\n\tclean = false\n\tpriority = first\n");
        },
    },
];

/// Sets something for the user, and for the git of the tests, which reads nobody's settings.
fn set(project: &Project, name: &str, value: &str) {
    project.users_setting(name, value);
    project.git(&["config", name, value]);
}

#[test]
fn what_a_failing_filter_converts_is_saved_and_restored_by_its_bytes() {
    for Case { name, filter, break_it } in CASES {
        let project = Project::new();
        if !set_up(&project) && filter == "lfs" {
            needs::skipped("settings that git-lfs refuses", "there is no git-lfs");
            continue;
        }
        project.write("f", "one\n");
        project.write(".gitattributes", format!("f filter={filter}\n"));
        project.git(&["add", "."]);
        project.git(&["commit", "-qm", "a filter"]);
        break_it(&project);
        project.write("f", "two\n");
        assert!(!project.try_git(&["status"]), "{name}: git itself fails");
        project.snap(&["save", "x"]).exits(0).says(&["content filters"]);
        project.write("f", "wrecked\n");
        project.write("a.txt", "wrecked\n");
        project.snap(&["rewind", "x"]).exits(0);
        assert_eq!(project.read("f"), b"two\n", "{name}: rewound");
        assert_ne!(project.read("a.txt"), b"wrecked\n", "{name}: rewound");
        project.snap(&["undo"]).exits(0);
        assert_eq!(project.read("f"), b"wrecked\n", "{name}: undone");
        project.snap(&["verify"]).exits(0);
    }
}
