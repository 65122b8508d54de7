//! The run of a build certificate: `HOME/OWNER/NAME/actions/runs/ID/attempts/N` of GitHub, `HOME/PATH/-/jobs/ID` of GitLab.
use alloc::format;
use events::text::Text;

/// What stands between a run and its attempt.
const ATTEMPTS: &str = "/attempts/";

/// Run and attempt of a GitHub run's address, if it has exactly that form: each a number as it is usually written.
pub(super) fn split(address: &str) -> Option<(&str, u64)> {
    let (run, attempt) = address.rsplit_once(ATTEMPTS)?;
    let (_, id) = run.rsplit_once("/actions/runs/")?;
    number(id)?;
    Some((run, number(attempt)?))
}

/// The whole address again.
pub(super) fn joined(run: &Text, attempt: &Text) -> Text {
    Text::claim(&format!("{run}{ATTEMPTS}{attempt}"))
}

/// A number from 1 on, without sign and leading zeros: there is one spelling of each.
pub(super) fn number(text: &str) -> Option<u64> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits || text.starts_with('0') {
        return None;
    }
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_exact_form_of_a_run_is_one() {
        let run = "https://github.com/ruby/rake/actions/runs/17";
        assert_eq!(
            split("https://github.com/ruby/rake/actions/runs/17/attempts/2"),
            Some((run, 2))
        );
        for other in [
            "",
            run,
            "https://github.com/ruby/rake/actions/runs/17/attempts/",
            "https://github.com/ruby/rake/actions/runs/17/attempts/0",
            "https://github.com/ruby/rake/actions/runs/17/attempts/01",
            "https://github.com/ruby/rake/actions/runs/17/attempts/+1",
            "https://github.com/ruby/rake/actions/runs/17/attempts/1/",
            "https://github.com/ruby/rake/actions/runs/17/attempts/1?x",
            "https://github.com/ruby/rake/actions/runs/17/jobs/1/attempts/1",
            "https://github.com/ruby/rake/actions/runs//attempts/1",
            "https://github.com/ruby/rake/-/jobs/17/attempts/1",
            "https://github.com/ruby/rake/actions/runs/17/attempts/99999999999999999999",
        ] {
            assert_eq!(split(other), None, "{other}");
        }
    }
}
