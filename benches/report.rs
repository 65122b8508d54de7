//! The table: what was reached, its ceiling, the share, and the bound that it is held against.
use std::time::Duration;

use serde_json::json;

/// What a number must do to be good.
#[derive(Clone, Copy)]
pub(crate) enum Bound {
    /// Nothing is asked of it: a ceiling, or context.
    None,
    /// At least this.
    AtLeast(f64),
    /// At most this.
    AtMost(f64),
    /// At least this share of the ceiling.
    Share(f64),
}

/// One line.
pub(crate) struct Line {
    /// What was measured.
    pub(crate) name: String,
    /// The number.
    pub(crate) value: f64,
    /// Of what.
    pub(crate) unit: &'static str,
    /// What the same machine does at most, measured in the same run.
    pub(crate) ceiling: Option<f64>,
    /// What is asked of it.
    pub(crate) bound: Bound,
    /// What else is to be said.
    pub(crate) note: String,
}

/// All lines so far.
pub(crate) struct Report {
    json: bool,
    lines: Vec<Line>,
}

impl Report {
    /// An empty table.
    pub(crate) fn new(json: bool) -> Self {
        Self {
            json,
            lines: Vec::new(),
        }
    }

    /// Adds a line.
    pub(crate) fn add(&mut self, line: Line) {
        self.lines.push(line);
    }

    /// Adds a number of which nothing is asked.
    pub(crate) fn context(
        &mut self,
        name: &str,
        value: f64,
        unit: &'static str,
        note: impl Into<String>,
    ) {
        self.add(Line {
            name: name.into(),
            value,
            unit,
            ceiling: None,
            bound: Bound::None,
            note: note.into(),
        });
    }

    /// Prints everything.
    #[expect(clippy::print_stdout, reason = "the table is what a bench is for")]
    pub(crate) fn print(&self) {
        if self.json {
            for line in &self.lines {
                println!("{}", line.to_json());
            }
            return;
        }
        println!(
            "{:<58} {:>11} {:<5} {:>10} {:>6}  {:<10} ",
            "", "reached", "", "ceiling", "share", "bound"
        );
        for line in &self.lines {
            println!("{}", line.to_text());
        }
    }
}

impl Line {
    fn share(&self) -> Option<f64> {
        self.ceiling
            .filter(|ceiling| *ceiling > 0.0)
            .map(|ceiling| self.value / ceiling)
    }

    fn holds(&self) -> Option<bool> {
        match self.bound {
            Bound::None => None,
            Bound::AtLeast(least) => Some(self.value >= least),
            Bound::AtMost(most) => Some(self.value <= most),
            Bound::Share(least) => self.share().map(|share| share >= least),
        }
    }

    fn bound(&self) -> String {
        match self.bound {
            Bound::None => String::new(),
            Bound::AtLeast(least) => format!(">= {}", number(least)),
            Bound::AtMost(most) => format!("<= {}", number(most)),
            Bound::Share(share) => format!(">= {:.0}%", share * 100.0),
        }
    }

    fn to_text(&self) -> String {
        let verdict = match self.holds() {
            None => "",
            Some(true) => "held",
            Some(false) => "MISSED",
        };
        format!(
            "{:<58} {:>11} {:<5} {:>10} {:>6}  {:<10} {:<7} {}",
            self.name,
            number(self.value),
            self.unit,
            self.ceiling.map(number).unwrap_or_default(),
            self.share()
                .map(|share| format!("{:.0}%", share * 100.0))
                .unwrap_or_default(),
            self.bound(),
            verdict,
            self.note
        )
    }

    fn to_json(&self) -> serde_json::Value {
        json!({
            "name": self.name, "value": self.value, "unit": self.unit, "ceiling": self.ceiling, "share": self.share(),
            "bound": self.bound(), "holds": self.holds(), "note": self.note,
        })
    }
}

fn number(value: f64) -> String {
    if value.abs() < 100.0 {
        return format!("{value:.2}");
    }
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Tells whoever waits how far it is.
#[expect(
    clippy::print_stderr,
    reason = "a bench takes a while and says what it does"
)]
pub(crate) fn remark(text: &str) {
    eprintln!("{text}");
}

/// A time in milliseconds.
pub(crate) fn millis(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1000.0)
}

/// So many of these for each of those.
#[expect(
    clippy::as_conversions,
    clippy::cast_precision_loss,
    reason = "counts of a bench are far below 2^53"
)]
pub(crate) fn ratio(these: usize, those: usize) -> f64 {
    these as f64 / those.max(1) as f64
}
