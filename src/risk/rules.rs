//! The table of risky commands, and what users add to it or switch off.
//!
//! A pattern is written like the command: `npm publish !--dry-run`. The first word is the program. Further
//! words must follow in order; options and their values are skipped. A word with a dash must be among the
//! options, one with `!` must not be there, and `*` stands for anything.

use serde::Deserialize;

use super::step::{ShellStep, is_option};

/// A row of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
struct PatternRow {
    class: String,
    pattern: Vec<String>,
}

/// What is risky here: the built-in table with the user's changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    added: Vec<PatternRow>,
    tools: Vec<(String, String)>,
    off: Vec<String>,
}

/// The file `snapshot-rules.json`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RulesFile {
    #[serde(default)]
    rules: Vec<FileRule>,
    #[serde(default)]
    off: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileRule {
    class: String,
    #[serde(default)]
    command: Option<String>,
    #[serde(default)]
    tool: Option<String>,
}

impl Rules {
    /// Adds what the user's own rules file says, also what it switches off.
    ///
    /// # Errors
    /// Says what is wrong with it, for a person; nothing was added then.
    pub fn add(&mut self, json: &[u8]) -> Result<(), String> {
        let off = self.add_only(json)?;
        self.off.extend(off);
        Ok(())
    }

    /// Adds the rules of a file that may only add rules. Returns the classes that it would switch off.
    ///
    /// # Errors
    /// Says what is wrong with it, for a person; nothing was added then.
    pub fn add_only(&mut self, json: &[u8]) -> Result<Vec<String>, String> {
        let file: RulesFile = serde_json::from_slice(json).map_err(|error| error.to_string())?;
        let mut more = self.clone();
        for rule in file.rules {
            match (rule.command, rule.tool) {
                (Some(command), None) if !command.trim().is_empty() => {
                    let pattern = command.split_whitespace().map(str::to_owned).collect();
                    more.added.push(PatternRow { class: rule.class, pattern });
                }
                (None, Some(tool)) => more.tools.push((tool, rule.class)),
                _ => {
                    return Err(format!("a rule of class {:?} needs either a command or a tool", rule.class));
                }
            }
        }
        *self = more;
        Ok(file.off)
    }

    /// Says whether a class counts.
    pub(super) fn is_on(&self, class: &str) -> bool {
        !self.off.iter().any(|off| off == class)
    }

    /// Returns the class of a tool that a rule names.
    pub(super) fn class_of_tool(&self, tool: &str) -> Option<&str> {
        let rule = self.tools.iter().find(|(pattern, class)| fits(pattern, tool) && self.is_on(class))?;
        Some(&rule.1)
    }

    /// Returns the class of a step that the table names.
    pub(super) fn class_of(&self, step: &ShellStep) -> Option<&str> {
        let own = self.added.iter().map(|row| (row.class.as_str(), row.pattern.clone()));
        let built_in = TABLE.iter().flat_map(|(class, patterns)| {
            patterns.iter().map(|pattern| (*class, pattern.split(' ').map(str::to_owned).collect()))
        });
        own.chain(built_in)
            .find(|(class, pattern): &(&str, Vec<String>)| self.is_on(class) && matches(pattern, step))
            .map(|(class, _)| class)
    }
}

fn matches(pattern: &[String], step: &ShellStep) -> bool {
    let Some((program, rest)) = pattern.split_first() else { return false };
    if !fits(program, &step.program) {
        return false;
    }
    let given = |option: &str| {
        if option.contains('*') {
            step.arguments.iter().any(|word| fits(option, &word.text))
        } else {
            step.arguments.iter().any(|word| is_option(&word.text, option) || word.text == option)
        }
    };
    let mut words = rest.iter().filter(|word| !word.starts_with(['-', '!'])).peekable();
    let mut after_option = false;
    for word in &step.arguments {
        let Some(wanted) = words.peek() else { break };
        let is_option = word.text.starts_with('-');
        if !is_option && fits(wanted, &word.text) {
            words.next();
            after_option = false;
        } else if is_option || after_option {
            // Perhaps an option's value: `kubectl -n prod apply`.
            after_option = is_option && !word.text.contains('=');
        } else {
            return false;
        }
    }
    words.peek().is_none()
        && rest.iter().all(|word| match word.strip_prefix('!') {
            Some(absent) => !given(absent),
            None => !word.starts_with('-') || given(word),
        })
}

/// Says whether a text fits a pattern in which `*` stands for anything. The time grows with the product
/// of their lengths.
fn fits(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut at, mut in_text) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while in_text < text.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, in_text));
                at += 1;
            }
            Some(byte) if *byte == text[in_text] => {
                at += 1;
                in_text += 1;
            }
            // The last star takes one more.
            _ => match star {
                Some((star_at, taken)) => {
                    star = Some((star_at, taken + 1));
                    (at, in_text) = (star_at + 1, taken + 1);
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|byte| *byte == b'*')
}

/// What is risky by the words of the command alone; the rest is in `class_of_step.rs`.
const TABLE: [(&str, &[&str]); 5] = [
    (
        "migrate",
        &[
            "rails db:*",
            "rake db:*",
            "manage.py migrate !--plan",
            "manage.py flush",
            "python* manage.py migrate !--plan",
            "python* manage.py flush",
            "alembic upgrade !--sql",
            "alembic downgrade !--sql",
            "flask db upgrade",
            "flask db downgrade",
            "prisma migrate dev",
            "prisma migrate deploy",
            "prisma migrate reset",
            "prisma db push",
            "drizzle-kit push*",
            "drizzle-kit migrate",
            "knex migrate:*",
            "knex seed:run",
            "sequelize db:*",
            "sequelize-cli db:*",
            "typeorm migration:run",
            "typeorm migration:revert",
            "typeorm schema:*",
            "flyway migrate",
            "flyway clean",
            "flyway undo",
            "liquibase update*",
            "liquibase rollback*",
            "liquibase drop-all",
            "diesel migration run",
            "diesel migration re*",
            "diesel database reset",
            "sqlx migrate run",
            "sqlx migrate revert",
            "sqlx database drop",
            "sqlx database reset",
            "sea-orm-cli migrate *",
            "goose up*",
            "goose down*",
            "goose re*",
            "dbmate up",
            "dbmate down",
            "dbmate drop",
            "dbmate migrate",
            "migrate up",
            "migrate down",
            "migrate drop",
            "php artisan migrate*",
            "artisan migrate*",
            "mix ecto.migrate",
            "mix ecto.rollback",
            "mix ecto.drop",
            "mix ecto.reset",
            "atlas migrate apply",
            "atlas schema apply",
            "dotnet ef database update",
            "dotnet ef database drop",
            "supabase db reset",
            "supabase db push",
            "dropdb",
            "redis-cli flushall",
            "redis-cli FLUSHALL",
        ],
    ),
    (
        "publish",
        &[
            "npm publish !--dry-run",
            "npm unpublish !--dry-run",
            "pnpm publish !--dry-run",
            "yarn publish",
            "yarn npm publish",
            "bun publish !--dry-run",
            "cargo publish !--dry-run !-n",
            "cargo yank",
            "cargo release *",
            "twine upload",
            "poetry publish !--dry-run",
            "uv publish !--dry-run",
            "flit publish",
            "hatch publish",
            "gem push",
            "gem yank",
            "mvn deploy",
            "mvn release:*",
            "gradle publish*",
            "gradlew publish*",
            "dotnet nuget push",
            "nuget push",
            "docker push",
            "podman push",
            "gh release create",
            "gh release delete",
            "vsce publish",
            "ovsx publish",
            "lerna publish",
            "changeset publish",
            "semantic-release !--dry-run",
            "goreleaser release !--snapshot",
            "helm push",
            "jsr publish !--dry-run",
            "pod trunk push",
        ],
    ),
    (
        "deploy",
        &[
            "kubectl apply !--dry-run",
            "kubectl delete !--dry-run",
            "kubectl replace !--dry-run",
            "kubectl patch !--dry-run",
            "kubectl drain !--dry-run",
            "kubectl rollout restart",
            "kubectl rollout undo",
            "helm install !--dry-run",
            "helm upgrade !--dry-run",
            "helm uninstall !--dry-run",
            "helm rollback !--dry-run",
            "terraform apply",
            "terraform destroy",
            "tofu apply",
            "tofu destroy",
            "terragrunt apply",
            "terragrunt destroy",
            "pulumi up",
            "pulumi destroy",
            "vercel --prod",
            "vercel deploy",
            "netlify deploy",
            "fly deploy",
            "flyctl deploy",
            "railway up",
            "serverless deploy",
            "serverless remove",
            "sls deploy",
            "sls remove",
            "cdk deploy",
            "cdk destroy",
            "sam deploy",
            "ansible-playbook !--check !-C !--syntax-check",
            "firebase deploy",
            "wrangler deploy !--dry-run",
            "wrangler publish",
            "gcloud app deploy",
            "gcloud run deploy",
            "aws s3 rm !--dryrun",
            "aws cloudformation deploy",
            "aws cloudformation delete-stack",
            "eb deploy",
            "kamal deploy",
            "skaffold run",
            "cap * deploy",
            "docker stack deploy",
            "docker-compose down -v",
            "docker compose down -v",
            "make deploy !-n",
            "make deploy-* !-n",
            "just deploy",
            "npm run deploy",
            "npm run deploy:*",
            "pnpm run deploy",
            "pnpm run deploy:*",
            "yarn run deploy",
            "yarn run deploy:*",
            "yarn deploy",
        ],
    ),
    (
        "rename",
        &["rename !-n !--no-act", "prename !-n", "perl-rename !-n", "file-rename !-n", "mmv !-n", "zmv !-n"],
    ),
    ("delete", &["rsync --delete* !-n !--dry-run", "find -delete", "rimraf", "rclone sync !--dry-run"]),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::risk::walk::of_line;

    fn class(rules: &Rules, line: &str) -> Option<String> {
        let context = crate::risk::StepContext::in_folder(std::path::Path::new(crate::risk::fake::ROOT));
        of_line(line, &context).steps.iter().find_map(|step| rules.class_of(step)).map(str::to_owned)
    }

    #[test]
    fn a_pattern_fits_whatever_options_stand_between() {
        let rules = Rules::default();
        for line in ["kubectl apply -f x", "kubectl -n prod apply", "kubectl --namespace=prod apply -f x"] {
            assert_eq!(class(&rules, line).as_deref(), Some("deploy"), "{line}");
        }
        for line in ["kubectl get apply", "kubectl apply --dry-run=client -f x", "kubectl"] {
            assert_eq!(class(&rules, line), None, "{line}");
        }
    }

    #[test]
    fn users_add_rules_and_switch_classes_off() {
        let mut rules = Rules::default();
        let json = br#"{"rules":[{"class":"deploy","command":"make ship*"},{"class":"data","tool":"mcp__db__*"}],"off":["publish"]}"#;
        assert_eq!(rules.add(json), Ok(()));
        assert_eq!(class(&rules, "make ship-it").as_deref(), Some("deploy"));
        assert_eq!(class(&rules, "npm publish"), None);
        assert_eq!(rules.class_of_tool("mcp__db__drop"), Some("data"));
        assert_eq!(rules.class_of_tool("Read"), None);
        for wrong in ["", "7", r#"{"rule":[]}"#, r#"{"rules":[{"class":"x"}]}"#] {
            let before = rules.clone();
            assert!(rules.add(wrong.as_bytes()).is_err(), "{wrong:?}");
            assert_eq!(rules, before);
        }
    }

    #[test]
    fn a_file_that_may_only_add_takes_nothing_away_and_tells_what_it_wanted_to() {
        let mut rules = Rules::default();
        let json = br#"{"rules":[{"class":"deploy","command":"make ship*"}],"off":["publish","delete"]}"#;
        assert_eq!(rules.add_only(json), Ok(vec!["publish".to_owned(), "delete".to_owned()]));
        assert_eq!(class(&rules, "make ship-it").as_deref(), Some("deploy"));
        assert_eq!(class(&rules, "npm publish").as_deref(), Some("publish"));
    }

    #[test]
    fn a_pattern_of_many_stars_takes_no_longer_than_any_other() {
        assert!(!fits(&"*a".repeat(60), &("a".repeat(3_000) + "b")));
        for (pattern, text, wanted) in [
            ("a*c*", "abcd", true),
            ("*", "", true),
            ("a*", "ba", false),
            ("*é", "é", true),
            ("a", "ab", false),
        ] {
            assert_eq!(fits(pattern, text), wanted, "{pattern} {text}");
        }
    }
}
