//! `--grants`: which permission grants of a snapshot come back, shown one by one and chosen.

use clap::ValueEnum;
use clap::builder::PossibleValue;
use serde::Serialize;

use crate::base::error::{Error, Kind, Result};
use crate::base::screen::Line;
use crate::cli::output::words::count;
use crate::cli::output::{Style, Text, Ui, text};
use crate::grants::{GrantKind, Offer};
use crate::restore::{GrantChoice, GrantPlan, RestorePlan};
use crate::settings::{self, Settings};
use crate::trust::Provenance;

impl ValueEnum for GrantChoice {
    fn value_variants<'a>() -> &'a [GrantChoice] {
        &[GrantChoice::None, GrantChoice::Review, GrantChoice::All]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        let help = match self {
            GrantChoice::None => "None",
            GrantChoice::Review => "Show those that are missing here, and ask",
            GrantChoice::All => "All that are missing here",
        };
        Some(PossibleValue::new(word(*self)).help(help))
    }
}

fn word(choice: GrantChoice) -> &'static str {
    match choice {
        GrantChoice::None => "none",
        GrantChoice::Review => "review",
        GrantChoice::All => "all",
    }
}

/// Returns the chosen value. By default a person is asked, but not about somebody else's grants.
/// What the user's settings say counts for the user's own snapshots only.
pub(crate) fn choice(
    asked: Option<GrantChoice>,
    settings: &Settings,
    plan: &RestorePlan,
    ui: &Ui,
) -> GrantChoice {
    let foreign = matches!(plan.provenance(), Provenance::Foreign { .. });
    let asks = ui.is_terminal() && !ui.json() && !foreign;
    let usual = settings.text(settings::GRANTS).and_then(|text| GrantChoice::from_str(text, true).ok());
    let usual = usual.filter(|_| plan.provenance() == &Provenance::Own);
    let usual = usual.filter(|usual| asks || *usual != GrantChoice::Review);
    asked.or(usual).unwrap_or(if asks { GrantChoice::Review } else { GrantChoice::None })
}

/// Asks which to grant, if that is to be asked; `no_input`: take what can be taken unseen.
pub(crate) fn choose(grants: &mut GrantPlan, no_input: bool, ui: &mut Ui) -> Result<()> {
    if grants.choice != GrantChoice::Review || grants.offers.is_empty() {
        return Ok(());
    }
    if no_input {
        grants.choose_harmless();
        return Ok(());
    }
    if !ui.is_terminal() || ui.json() {
        return Err(Error::new(Kind::Usage, "Cannot ask which grants to restore")
            .because("this is not a terminal")
            .hint("`--grants all` restores all that are missing here, `--grants none` restores none"));
    }
    let question = if grants.offers.iter().any(Offer::is_worst) {
        "Grant which? [y: all but those that would allow any command; numbers such as 1 3; Enter: none]"
    } else {
        "Grant which? [y: all; numbers such as 1 3; Enter: none]"
    };
    let read = |answer: &str| chosen(answer, &grants.offers);
    let answer = ui.ask_until(question, "Please answer y, or numbers from the list.", read)?;
    grants.chosen = answer.unwrap_or_else(|| vec![false; grants.offers.len()]);
    Ok(())
}

/// Says what was granted; nothing if nothing was.
pub(crate) fn granted(grants: &GrantPlan) -> Option<String> {
    let session = grants.granted().filter(|offer| offer.kind == GrantKind::Session).count();
    let parts =
        [(session, "to the session"), (grants.for_settings().len(), "in .claude/settings.local.json")];
    let parts: Vec<String> = parts
        .iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, place)| format!("{} {place}", count(*number, "rule")))
        .collect();
    (!parts.is_empty()).then(|| format!("Granted: {}.", parts.join(", ")))
}

/// What becomes of the grants.
#[derive(Serialize)]
pub(crate) struct GrantReport {
    choice: &'static str,
    mode: Option<String>,
    rules: Vec<RuleRow>,
    restrictions: Vec<RestrictionFacts>,
    notes: Vec<String>,
    lost: Vec<String>,
}

#[derive(Serialize)]
struct RuleRow {
    rule: String,
    kind: &'static str,
    file: Option<String>,
    class: &'static str,
    why: Option<&'static str>,
    granted: bool,
    #[serde(skip)]
    line: Text,
}

#[derive(Serialize)]
struct RestrictionFacts {
    rule: String,
    kind: &'static str,
    option: String,
}

impl GrantReport {
    /// Returns it as it is shown.
    pub(crate) fn of(grants: &GrantPlan) -> GrantReport {
        let rules = grants.offers.iter().zip(&grants.chosen).map(|(offer, chosen)| RuleRow {
            rule: offer.rule.clone(),
            kind: offer.kind.word(),
            file: offer.file.clone(),
            class: offer.class.word(),
            why: Some(offer.why).filter(|why| !why.is_empty()),
            granted: *chosen,
            line: line(offer),
        });
        let restrictions = grants.restrictions.iter().map(|one| RestrictionFacts {
            rule: one.rule.clone(),
            kind: one.kind.word(),
            option: one.option.clone(),
        });
        GrantReport {
            choice: word(grants.choice),
            mode: grants.mode.clone(),
            rules: rules.collect(),
            restrictions: restrictions.collect(),
            notes: grants.notes.clone(),
            lost: grants.lost.clone(),
        }
    }

    /// The lines of a plan.
    pub(crate) fn lines(&self) -> Vec<Text> {
        let mut lines = Vec::new();
        if self.choice != word(GrantChoice::None) && !self.rules.is_empty() {
            let all = if self.choice == word(GrantChoice::All) { ", all to be restored" } else { "" };
            lines.push(text![format!("  Grants that held there and are missing here{all}:")]);
            let width = self.rules.len().to_string().len();
            for (number, rule) in self.rules.iter().enumerate() {
                lines.push(text![format!("  {:>width$}  ", number + 1), &rule.line]);
            }
        }
        lines.extend(self.restrictions.iter().map(|one| {
            let word = Style::Good.of(format!("{:7}", one.kind));
            let rest = format!(" {} applies again in this launch ({})", Line(&one.rule), Line(&one.option));
            text!["  ", word, rest]
        }));
        let note = |note: &str| text!["  ", Style::Warning.of("note:"), " ", note];
        lines.extend(self.notes.iter().map(|one| note(one)));
        if self.choice == word(GrantChoice::None) && !self.rules.is_empty() {
            let number = self.rules.len();
            let verb = if number == 1 { "is" } else { "are" };
            lines.push(note(&format!(
                "{} that held there {verb} missing here: `--grants review` asks for each, `--grants all` restores all.",
                count(number, "grant")
            )));
        }
        lines
    }
}

/// One rule, whole: a cut rule could hide what it allows.
fn line(offer: &Offer) -> Text {
    let from = offer.file.as_deref().unwrap_or("this session");
    let rule = Line(&offer.rule);
    let word = offer.kind.word();
    let class = match offer.kind {
        GrantKind::Ask | GrantKind::Deny => Style::Good.of("a restriction"),
        _ if offer.is_worst() => Style::Bad.of(format!("{}: {}", offer.class.words(), offer.why)),
        _ => offer.class.words().into(),
    };
    text![format!("{word:7} {rule}  ["), class, "]  ", Style::Faint.of(from)]
}

/// Reads an answer: which of the offers are chosen; `None` if it makes no sense.
fn chosen(answer: &str, offers: &[Offer]) -> Option<Vec<bool>> {
    match answer.to_ascii_lowercase().as_str() {
        "" | "n" | "no" | "none" => return Some(vec![false; offers.len()]),
        "y" | "yes" => return Some(offers.iter().map(|offer| !offer.is_worst()).collect()),
        _ => {}
    }
    let mut chosen = vec![false; offers.len()];
    for word in answer.split([' ', ',']).filter(|word| !word.is_empty()) {
        let number: usize = word.parse().ok()?;
        *chosen.get_mut(number.checked_sub(1)?)? = true;
    }
    Some(chosen)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grants::Class;

    #[test]
    fn an_answer_never_takes_the_worst_unless_it_is_named() {
        let offer =
            |class| Offer { rule: "x".to_owned(), kind: GrantKind::Allow, file: None, class, why: "" };
        let offers = [offer(Class::Exact), offer(Class::Anything), offer(Class::Prefix)];
        for (answer, wanted) in [
            ("", Some([false, false, false])),
            ("N", Some([false, false, false])),
            ("yes", Some([true, false, true])),
            ("2", Some([false, true, false])),
            ("1, 3", Some([true, false, true])),
            ("4", None),
            ("0", None),
            ("all", None),
            ("1 x", None),
        ] {
            assert_eq!(chosen(answer, &offers), wanted.map(|wanted| wanted.to_vec()), "{answer:?}");
        }
    }
}
