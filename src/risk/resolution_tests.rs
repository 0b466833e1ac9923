//! Tests: to which places a command line is resolved.

use std::path::Path;

use serde_json::{Value, json};

use super::fake::ROOT;
use super::{Call, Reach, Risk, Rules, StepContext, of_call};

/// Shows what risks touch: `T` the tree there, `B` all below, `F` what fits, `N` a linked tree by
/// its name, `W` all trees of the repository, `L` the linked ones, `X` the
/// tree there as a whole, `?` what can't be known.
fn shown(risks: &[Risk]) -> String {
    let mut all = Vec::new();
    for risk in risks {
        for target in &risk.touched.targets {
            let path = target.path.to_string_lossy().replace(ROOT, "@").replace("/home/ada", "^");
            all.push(match &target.reach {
                Reach::Tree => format!("T{path}"),
                Reach::Below => format!("B{path}"),
                Reach::Fitting(pattern) => format!("F{path}|{pattern}"),
                Reach::Named(name) => format!("N{path}|{name}"),
                Reach::Worktrees => format!("W{path}"),
                Reach::Linked => format!("L{path}"),
                Reach::Whole => format!("X{path}"),
            });
        }
        all.extend(risk.touched.unknown.iter().map(|written| format!("?{written}")));
    }
    let mut kept: Vec<String> = Vec::new();
    for one in all {
        if !kept.contains(&one) {
            kept.push(one);
        }
    }
    kept.join(" ")
}

fn of_tool(tool: &str, input: &Value) -> String {
    let context = StepContext::in_folder(Path::new(ROOT));
    shown(&of_call(&Call { tool, input }, &Rules::default(), &context))
}

fn check(table: &[(&str, &str)]) {
    let mut wrong = Vec::new();
    for (line, wanted) in table {
        let found = of_tool("Bash", &json!({"command": line}));
        if found != *wanted {
            wrong.push(format!("{line:?}\n    gives  {found}\n    wanted {wanted}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), table.len(), wrong.join("\n"));
}

#[test]
fn deletions_are_resolved_to_what_they_remove() {
    check(&[
        ("rm x", "B@/x"),
        ("rm -rf ../sib", "B^/sib"),
        ("rm -rf -- ../sib", "B^/sib"),
        ("rm -rf ../sib/", "B^/sib"),
        ("rm -rf a/../../sib", "B^/sib"),
        ("rm -rf /srv/x y", "B/srv/x B@/y"),
        ("rm -rf ~/other", "B^/other"),
        ("rm -rf ~", "B^"),
        ("rm -rf '~'", "B@/~"),
        ("rm -rf \"$HOME/other\"", "B^/other"),
        ("rm -rf ${HOME}/other", "B^/other"),
        ("rm -rf $PWD/x", "B@/x"),
        ("rm -rf $FROM_ENV/x", "B/srv/from-env/x"),
        ("rm -rf ..", "B^"),
        ("rm -rf .claude/worktrees/feat", "B@/.claude/worktrees/feat"),
        ("rm -rf ../{sib,sub}/x", "B^/sib/x B^/sub/x"),
        ("rm -rf ../wt-{1..3}", "B^/wt-1 B^/wt-2 B^/wt-3"),
        ("rm -rf ../{a,b{c,d}}", "B^/a B^/bc B^/bd"),
        ("rm -rf \"../{a,b}\"", "B^/{a,b}"),
        ("rm -rf ../wt-*", "F^|wt-*"),
        ("rm -rf ~/code/*", "F^/code|*"),
        ("rm -rf ~/code/*/build", "F^/code|*/build"),
        ("rm -rf '../wt-*'", "B^/wt-*"),
        ("rm -rf ../wt-\\*", "B^/wt-*"),
        ("rm -rf ../\"a b\"*", "F^|a b*"),
        ("rm -rf [ab]/x?", "F@|[ab]/x?"),
        ("rm *.o", "F@|*.o"),
        ("\\rm -rf ../sib", "B^/sib"),
        ("sudo rm -rf ../sib", "B^/sib"),
        ("sudo -u root -- rm -rf ../sib", "B^/sib"),
        ("sudo -D /srv rm -rf x", "B/srv/x"),
        ("env -C ../sib rm -rf x", "B^/sib/x"),
        ("env --chdir=../sib A=1 rm -rf x", "B^/sib/x"),
        ("env D=../sib sh -c 'rm -rf $D'", "B^/sib"),
        ("timeout 5 nice rm -rf ../sib", "B^/sib"),
        ("shred -n 3 -u ../sib/a", "B^/sib/a"),
        ("truncate -s 0 ../sib/a", "B^/sib/a"),
        ("npx rimraf ../sib", "B^/sib"),
        ("rsync -a --delete src/ ../sib/", "B^/sib"),
        ("rsync -a --delete -e ssh src/ host:sib/", "T@"),
        ("find ../sib -delete", "B^/sib"),
        ("find -L ../sib /srv/x -name '*.o' -delete", "B^/sib B/srv/x"),
        ("find . -delete", "B@"),
        ("find -name x -delete", "T@"),
        ("find \"$D\" -delete", "?$D"),
        ("find ../sib -name x -exec rm {} +", "B^/sib"),
        ("find ../sib -exec sh -c 'rm \"$1\"' _ {} \\;", "B^/sib"),
        ("find ../sib -type f -print0 | xargs -0 rm", "B^/sib"),
        ("find ../sib | grep x | sort | head | xargs -I% rm -rf %", "B^/sib"),
        ("ls ../sib | xargs rm", "B^/sib"),
        ("fd x ../sib -X rm", "B^/sib"),
        ("fd -e o --max-depth 2 x ../sib /srv/x -x rm -f {}", "B^/sib B/srv/x"),
        ("fd -x rm", "B@"),
        ("fd --search-path ../sib x -x rm", "B^/sib"),
        ("fd -C ../sib x -x rm", "B^/sib"),
        ("ls | xargs rm -rf", "B@"),
        ("echo ../sib ../sub | xargs rm -rf", "B^/sib B^/sub"),
        ("printf '%s\\n' ../sib | xargs -n1 rm -rf", "B^/sib"),
        ("git ls-files -z | xargs -0 rm", "T@"),
        ("cat list | xargs rm -rf", "?$(cat list)"),
        ("xargs rm -rf < list", "?the input of xargs"),
        ("grep -rl x ../sib | xargs sed -i s/x/y/", "B^/sib"),
    ]);
}

#[test]
fn a_step_is_found_however_a_line_runs_it() {
    check(&[
        ("f() { rm -rf src; }; f", "B@/src"),
        ("function f { rm -rf src; }; f", "B@/src"),
        ("function f() { rm -rf src; }; f", "B@/src"),
        ("time -p rm -rf src", "B@/src"),
        ("env -S 'rm -rf src'", "B@/src"),
        ("env A=1 -S'rm -rf src'", ""),
        ("env --split-string='rm -rf src'", "B@/src"),
        ("R=rm; $R -rf src", "B@/src"),
        ("R='rm -rf'; $R src", "B@/src"),
        ("trap 'rm -rf src' EXIT", "B@/src"),
        ("trap - EXIT", ""),
        ("echo ${x:-$(rm -rf src)}", "B@/src"),
        ("echo \"${x:=`rm -rf src`}\"", "B@/src"),
        ("echo ${x:-${y:-$(rm -rf src)}} && rm -rf b", "B@/src B@/b"),
        ("echo ${x%%(*)} ${y//\\}/z}", ""),
        ("watch -n1 rm -rf src", "B@/src"),
        ("watch -d 'cd sub; rm -rf x'", "B@/sub/x"),
        ("strace -f -o log rm -rf src", "B@/src"),
        ("cat <<E | sh\nrm -rf src\nE", "B@/src"),
        ("cat <<E | sudo tee log | bash -x\nrm -rf src\nE", "B@/src"),
        ("echo 'rm -rf src' | sh", "B@/src"),
        ("echo rm -rf src | tee log | sudo bash -s", "B@/src"),
        ("printf 'cd sub\\nrm -rf x' | sh", "B@/sub/x"),
        ("echo 'rm -rf src' | cat", ""),
        ("git reset --har", "T@"),
        ("git clean -d --forc", "T@"),
        ("git push --force-w", "T@"),
        ("git checkout --f main", "T@"),
        ("git clean --dry --forc", ""),
    ]);
}

#[test]
fn the_folder_that_a_step_runs_in_is_followed() {
    check(&[
        ("cd ../sib && git reset --hard", "T^/sib"),
        ("cd ../sib; git reset --hard", "T^/sib"),
        ("cd ../sib\ngit reset --hard", "T^/sib"),
        ("cd ../sib || exit 1; git reset --hard", "T^/sib"),
        ("cd ../not-there; git reset --hard", "T^/not-there T@"),
        ("cd ../not-there && git reset --hard", "T^/not-there"),
        ("(cd ../sib && make); git reset --hard", "T@"),
        ("(cd ../sib; git reset --hard)", "T^/sib"),
        ("(cd ../sib; (cd sub; rm x); rm y); rm z", "B^/sib/sub/x B^/sib/y B@/z"),
        ("{ cd ../sib; git reset --hard; }", "T^/sib"),
        ("cd ../sib && cd sub && rm x", "B^/sib/sub/x"),
        ("cd ../sib && cd - && rm x", "B@/x"),
        ("cd && rm x", "B^/x"),
        ("cd ~/code && rm -rf *", "F^/code|*"),
        ("cd -P ../sib && git clean -fd", "T^/sib"),
        ("builtin cd ../sib && git clean -fd", "T^/sib"),
        ("pushd ../sib && git checkout . && popd && rm x", "T^/sib B@/x"),
        ("pushd ../sib; pushd sub; popd; rm x", "B^/sib/x"),
        ("cd \"$(git rev-parse --show-toplevel)\" && git clean -fdx", "T@"),
        ("cd \"$(pwd)/../sib\" && rm x", "B^/sib/x"),
        ("cd \"$(dirname ../sib/a.txt)\" && rm x", "B^/sib/x"),
        ("cd \"$SOMEWHERE\" && git reset --hard", "?$SOMEWHERE"),
        ("cd \"$SOMEWHERE\" && rm -rf x", "?$SOMEWHERE/x"),
        ("cd \"$SOMEWHERE\" && rm -rf /srv/x", "B/srv/x"),
        ("cd $(mktemp -d) && git init && git reset --hard", "T/tmp/mktemp"),
        ("D=$(mktemp -d); trap : EXIT; rm -rf \"$D\"", "B/tmp/mktemp"),
        ("D=../sib; rm -rf $D", "B^/sib"),
        ("D=../sib && rm -rf \"${D}/x\"", "B^/sib/x"),
        ("export D=../sib; rm -rf $D", "B^/sib"),
        ("local D=../sib; rm -rf $D", "B^/sib"),
        ("D=~/sib; rm -rf $D", "B^/sib"),
        ("D=${D:-../sib}; rm -rf $D", "B^/sib"),
        ("rm -rf ${D:-../sib}", "B^/sib"),
        ("rm -rf ${D:?no folder}", "?${D:?no folder}"),
        ("D=../sib/a; rm -rf ${D%/*}", "B^/sib"),
        ("D=../sib; unset D; rm -rf $D", "?$D"),
        ("(D=../sib); rm -rf $D", "?$D"),
        ("A=(../sib ../sub); rm -rf \"${A[@]}\"", "B^/sib B^/sub"),
        ("for d in ../sib ../sub; do rm -rf $d; done", "B^/sib B^/sub"),
        ("for d in ../wt-*; do (cd $d && git clean -fd); done", "F^|wt-*"),
        ("for d in ../wt-*; do (cd $d/sub && rm x); done", "F^|wt-*/sub"),
        ("cd ../wt-*/ && rm -rf x", "F^|wt-*/"),
        ("cd \"$(git worktree list | grep x | cut -d' ' -f1)\" && git reset --hard", "W@"),
        (
            "cd \"$(git -C ../sib rev-parse --show-toplevel)\" && git reset --hard",
            "?$(git rev-parse --show-toplevel)",
        ),
        ("rm -rf \"$(git -C sub rev-parse --show-toplevel)/x\"", "B@/x"),
        ("parallel rm -rf ::: ../sib ../sub", "B^/sib B^/sub"),
        ("ls ~/code | xargs -I{} sh -c 'cd {} && git reset --hard'", "B^/code"),
        ("mv ../sib ../gone; rm -rf ../gone", "B^/gone B^/sib"),
        ("mv ../sib /tmp/x && rm -rf /tmp/x/sub", "B/tmp/x/sub B^/sib"),
        ("for d in ../sib ../sub; do (cd $d && git reset --hard); done", "T^/sib T^/sub"),
        ("while read -r d; do rm -rf \"$d\"; done < list", "?$d"),
        ("find ../sib -type d | while read d; do rm -rf $d; done", "B^/sib"),
        ("while read d; do rm -rf $d; done < <(find ../sib)", "B^/sib"),
        ("sh -c 'cd ../sib && git reset --hard'", "T^/sib"),
        ("bash -lc \"rm -rf ../sib\"", "B^/sib"),
        ("sh -c 'rm -rf \"$1\"' _ ../sib", "B^/sib"),
        ("eval 'cd ../sib'; rm x", "B^/sib/x"),
        ("bash <<'E'\ncd ../sib\nrm x\nE\nrm y", "B^/sib/x B@/y"),
        ("if cd ../sib; then git reset --hard; fi", "T^/sib"),
        ("make -C ../sib deploy", "T^/sib"),
        ("npm --prefix ../sib run deploy", "T^/sib"),
        ("terraform -chdir=../sib apply", "T^/sib"),
        ("cd ../sib && npm publish", "T^/sib"),
        ("rm -rf $(cat list)", "?$(cat list)"),
        ("rm -rf $((1 + 1))", "?$((…))"),
        ("rm -rf ~bob/x", "?~bob/x"),
    ]);
}

#[test]
fn steps_of_git_are_resolved_to_the_work_trees_that_they_work_in() {
    check(&[
        ("git reset --hard", "T@"),
        ("git -C ../sib reset --hard", "T^/sib"),
        ("git -C .. -C sib clean -fd", "T^/sib"),
        ("git -C ../sib -C /srv/x checkout -- .", "T/srv/x"),
        ("git -C \"$D\" reset --hard", "?$D"),
        ("git -c a.b=c -C ../sib restore .", "T^/sib"),
        ("git --work-tree=../sib reset --hard", "T^/sib"),
        ("git --work-tree ../sib --git-dir ../sib/.git checkout -f", "T^/sib T^/sib/.git"),
        ("git --git-dir=../sib/.git reset --hard", "T@ T^/sib/.git"),
        ("GIT_WORK_TREE=../sib GIT_DIR=../sib/.git git reset --hard", "T^/sib T^/sib/.git"),
        ("export GIT_DIR=../sib/.git; git reset --hard", "T@ T^/sib/.git"),
        ("env GIT_WORK_TREE=/srv/x git clean -fd", "T/srv/x"),
        ("cd ../sib && git -C sub clean -fdx", "T^/sib/sub"),
        ("git worktree remove ../sib", "N@|../sib"),
        ("git worktree remove --force .claude/worktrees/feat", "N@|.claude/worktrees/feat"),
        ("git worktree remove -f -f \"/srv/wt\"", "N@|/srv/wt"),
        ("git worktree remove feat", "N@|feat"),
        ("git -C ../sib worktree remove --force ../sub", "N^/sib|../sub"),
        ("W=.claude/worktrees/feat; git worktree remove --force $W", "N@|.claude/worktrees/feat"),
        ("git worktree remove --force $W", "?$W"),
        ("git worktree remove --force .claude/worktrees/*", "F@/.claude/worktrees|*"),
        ("for w in a b; do git worktree remove --force $w; done", "N@|a N@|b"),
        ("git worktree move ../sib ../sub", "N@|../sib"),
        ("git worktree prune", "T@"),
        ("git worktree list | awk '{print $1}' | xargs -n1 git worktree remove --force", "L@"),
        ("git worktree remove --force $(git worktree list | grep feat | cut -d' ' -f1)", "L@"),
        (
            "git worktree list --porcelain | grep x | while read -r w; do git worktree remove -f \"$w\"; done",
            "L@",
        ),
        ("rm -rf $(git worktree list | tail -n1 | awk '{print $1}')", "W@"),
        ("git clean -fd", "T@"),
        ("git clean -ffdx", "T@ B@"),
        ("git clean -f -f -d sub", "T@ B@/sub"),
        ("git rm -rf sub", "T@ B@/sub"),
        ("git submodule deinit -f sub", "T@ B@/sub"),
        ("git submodule foreach 'git reset --hard'", "B@"),
        ("git submodule foreach --recursive git clean -fd", "B@"),
        ("git submodule update --force", "T@ B@"),
        ("git reset --hard --recurse-submodules", "T@ B@"),
        ("git checkout -- ../app/a.txt", "T@"),
        ("git stash drop", "T@"),
        ("find . -name .git -execdir git clean -fd \\;", "B@"),
        ("find ~/code -maxdepth 1 -exec git -C {} reset --hard \\;", "B^/code"),
        ("ls -d ../*/ | xargs -I{} git -C {} reset --hard", "F^|*/"),
        ("git reset --hard && cd ../sib && git reset --hard", "T@ T^/sib"),
        ("rm -rf x; git worktree remove -f feat", "B@/x N@|feat"),
    ]);
}

#[test]
fn writes_over_files_are_resolved_wherever_the_files_are() {
    check(&[
        ("echo x > ../sib/draft.md", "B^/sib/draft.md"),
        ("cd ../sib && echo x > draft.md", "B^/sib/draft.md"),
        ("cp a ../sib/draft.md", "B^/sib/draft.md"),
        ("cp -t ../sib/old draft.md", "B^/sib/old/draft.md"),
        ("cp /srv/x/draft.md .", "B@/draft.md"),
        ("cp /srv/x/* ../sib/old", "B^/sib/old/draft.md"),
        ("rsync -a /srv/x/ .", "B@/draft.md T@"),
        ("for f in *.md; do echo > $f; done", "F@|*.md"),
        ("cp /dev/null dra*", "F@|dra*"),
        ("find ../sib -exec cp /dev/null {} +", "B^/sib"),
        ("find ../sib | xargs tee", "B^/sib"),
        ("echo > draft$N.md", "F@|draft*"),
        ("echo > $N.md", "?$N.md"),
        ("mv a ../sib/draft.md", "B^/sib/draft.md"),
        ("mv ../sib/* /srv/x", "F^/sib|* B/srv/x"),
        ("date | tee ../sib/draft.md", "B^/sib/draft.md"),
        ("dd if=/dev/zero of=../sib/draft.md", "B^/sib/draft.md"),
        ("curl -o draft.md https://x", "B@/draft.md"),
        ("curl -O https://x/draft.md", "B@/draft.md"),
        ("sed -i s/a/b/ ../sib/*.c", "F^/sib|*.c"),
        ("sed -i -e s/a/b/ ../sib/a ../sib/b", "B^/sib/a B^/sib/b"),
        ("ln -sf a draft.md", "B@/draft.md"),
    ]);
}

#[test]
fn the_clients_own_tools_and_those_of_servers_are_resolved_by_their_input() {
    let table: [(&str, Value, &str); 21] = [
        ("Write", json!({"file_path": "/home/ada/sib/draft.md", "content": "x"}), "B^/sib/draft.md"),
        ("Write", json!({"file_path": "/home/ada/app/new.md", "content": "x"}), ""),
        ("Edit", json!({"file_path": "/home/ada/app/edited.rs"}), "B@/edited.rs"),
        ("Edit", json!({"file_path": "/home/ada/app/clean.rs"}), ""),
        ("MultiEdit", json!({"file_path": "draft.md", "edits": []}), "B@/draft.md"),
        ("NotebookEdit", json!({"notebook_path": "/home/ada/app/draft.md"}), "B@/draft.md"),
        ("Read", json!({"file_path": "/home/ada/app/draft.md"}), ""),
        ("ExitWorktree", json!({"action": "remove", "discard_changes": true}), "X@"),
        ("ExitWorktree", json!({"action": "remove"}), "X@"),
        ("ExitWorktree", json!({"action": "keep"}), ""),
        (
            "mcp__fs__write_file",
            json!({"path": "/home/ada/sib/draft.md", "content": "/a/b"}),
            "B^/sib/draft.md",
        ),
        ("mcp__fs__write_file", json!({"path": "new.md"}), ""),
        ("mcp__fs__deleteFile", json!({"filePath": "../sib/x"}), "B^/sib/x"),
        ("mcp__fs__move_file", json!({"source": "/srv/a", "destination": "/srv/b"}), "B/srv/b B/srv/a"),
        ("mcp__fs__remove", json!({"paths": ["a", "../sib"]}), "B@/a B^/sib"),
        ("mcp__fs__delete_path", json!({"uri": "file:///srv/a"}), "B/srv/a"),
        ("mcp__ide__edit", json!({"edits": [{"file": "draft.md"}]}), "B@/draft.md"),
        ("mcp__git__git_reset", json!({"repo_path": "/srv/x"}), "B/srv/x"),
        ("mcp__fs__read_file", json!({"path": "draft.md"}), ""),
        (
            "mcp__sh__run_command",
            json!({"command": "rm", "args": ["-rf", "a b"], "cwd": "../sib"}),
            "B^/sib/a b",
        ),
        ("mcp__slack__delete_message", json!({"channel": "x"}), ""),
    ];
    for (tool, input, wanted) in table {
        assert_eq!(of_tool(tool, &input), wanted, "{tool} {input}");
    }
}

#[test]
fn a_step_without_end_is_read_in_bounded_time() {
    let long = format!("X=a; {}rm $X", "echo $X; X=$X/b; cd x; (cd y); ".repeat(1_000));
    assert!(!of_tool("Bash", &json!({"command": long})).is_empty());
    let braces = format!("rm {}", "{a,b}".repeat(30));
    of_tool("Bash", &json!({"command": braces}));
    let nested = format!("{}rm x", "X=$(echo $X$X$X); ".repeat(200));
    of_tool("Bash", &json!({"command": nested}));
}

#[test]
fn submodules_are_only_touched_where_there_may_be_some() {
    let reaches = |line: &str| {
        let input = serde_json::json!({"command": line});
        let context = StepContext::in_folder(Path::new(ROOT));
        let risks = of_call(&Call { tool: "Bash", input: &input }, &Rules::default(), &context);
        let risk = risks.first().expect("a risk");
        risk.touched.targets.iter().any(|target| target.reach == Reach::Below)
    };
    assert!(reaches("git reset --hard --recurse-submodules"));
    assert!(reaches("git -c submodule.recurse=true reset --hard"));
    assert!(reaches("git -c submodule.recurse checkout -f main"));
    assert!(!reaches("git -c submodule.recurse=false reset --hard"));
    assert!(!reaches("git -c submodule.recurse=1 reset --hard --no-recurse-submodules"));
    assert!(!reaches("git -C no-submodules reset --hard --recurse-submodules"));
}
