//! A quantity against the number of threads, a line for each contender.

use super::draw::{Drawing, spread_out, ticks};
use crate::contender::Roster;
use crate::report::{Spread, figure};

const WIDTH: f64 = 380.0;
const HEIGHT: f64 = 290.0;
const LEFT: f64 = 38.0;
const RIGHT: f64 = 300.0;
const TOP: f64 = 10.0;
const BOTTOM: f64 = 252.0;

/// Room between two labels.
const GAP: f64 = 12.5;

/// One contender's line.
pub struct Series {
    /// Whose.
    pub who: Roster,
    /// Its figures by threads, ascending.
    pub points: Vec<(usize, Spread)>,
}

/// What a plot shows.
pub struct Plot<'a> {
    /// Unique on the page.
    pub id: &'a str,
    /// What is shown.
    pub title: &'a str,
    /// The unit of the figures.
    pub unit: &'a str,
    /// All numbers of threads, ascending.
    pub threads: &'a [usize],
    /// Cores of the machine: where threads begin to share.
    pub cores: usize,
    /// The lines.
    pub series: &'a [Series],
}

impl Plot<'_> {
    /// The plot as SVG.
    pub fn svg(&self) -> String {
        let mut drawing = Drawing::new(WIDTH, HEIGHT);
        let all = self.series.iter().flat_map(|one| one.points.iter());
        let ticks = ticks(all.map(|(_, spread)| spread.max).fold(0.0, f64::max));
        let top = ticks[ticks.len() - 1];
        let y = |value: f64| BOTTOM - (BOTTOM - TOP) * value / top;
        self.axes(&mut drawing, &ticks, y);
        // Ours last: over the others.
        for series in self.series.iter().rev() {
            self.draw(&mut drawing, series, y);
        }
        self.labels(&mut drawing, y);
        drawing.finish(self.id, self.title, &self.description())
    }

    fn x(&self, threads: usize) -> f64 {
        let place = |threads: usize| (threads.max(1) as f64).log2();
        let (first, last) = (self.threads[0], self.threads[self.threads.len() - 1]);
        let whole = place(last) - place(first);
        let part = if whole > 0.0 { (place(threads) - place(first)) / whole } else { 0.5 };
        LEFT + 8.0 + (RIGHT - LEFT - 16.0) * part
    }

    fn axes(&self, drawing: &mut Drawing, ticks: &[f64], y: impl Fn(f64) -> f64) {
        if self.threads.iter().any(|threads| *threads > self.cores) {
            let from = self.x(self.cores.max(self.threads[0]));
            drawing.bar("shade", (from, TOP), (RIGHT - from, BOTTOM - TOP));
        }
        for tick in ticks {
            drawing.line("axis", (LEFT, y(*tick)), (RIGHT, y(*tick)));
            drawing.text("", "end", (LEFT - 5.0, y(*tick) + 4.0), &short(*tick));
        }
        for threads in self.threads {
            let x = self.x(*threads);
            drawing.line("axis", (x, BOTTOM), (x, BOTTOM + 4.0));
            drawing.text("", "middle", (x, BOTTOM + 16.0), &threads.to_string());
        }
        let middle = (LEFT + RIGHT) / 2.0;
        let text = match self.threads.iter().any(|threads| *threads > self.cores) {
            true => "threads (shaded: more than cores)",
            false => "threads",
        };
        drawing.text("", "middle", (middle, BOTTOM + 33.0), text);
    }

    fn draw(&self, drawing: &mut Drawing, series: &Series, y: impl Fn(f64) -> f64) {
        let name = class(series.who);
        let middles = series.points.iter().map(|(at, spread)| (self.x(*at), y(spread.median)));
        drawing.path(&format!("path {name}"), middles);
        for (at, spread) in &series.points {
            let x = self.x(*at);
            drawing.line(&format!("range {name}"), (x, y(spread.min)), (x, y(spread.max)));
            let radius = if series.who == Roster::Ours { 3.5 } else { 2.25 };
            drawing.disc(&format!("dot {name}"), (x, y(spread.median)), radius);
        }
    }

    /// The names at the right end, with thin lines to where they belong.
    fn labels(&self, drawing: &mut Drawing, y: impl Fn(f64) -> f64) {
        let ends: Vec<(Roster, f64, f64)> = self
            .series
            .iter()
            .filter_map(|one| {
                let (at, spread) = one.points.last()?;
                Some((one.who, self.x(*at), y(spread.median)))
            })
            .collect();
        let wanted: Vec<f64> = ends.iter().map(|(_, _, y)| *y).collect();
        let places = spread_out(&wanted, GAP, TOP + 4.0, BOTTOM);
        for ((who, x, y), place) in ends.into_iter().zip(places) {
            let name = class(who);
            drawing.line(&format!("lead {name}"), (x, y), (RIGHT + 8.0, place));
            drawing.text(&format!("name {name}"), "start", (RIGHT + 11.0, place + 4.0), who.name());
        }
    }

    /// The plot in words: who is where with the most threads.
    fn description(&self) -> String {
        let mut ends: Vec<(&str, usize, f64)> = self
            .series
            .iter()
            .filter_map(|one| {
                one.points.last().map(|(at, spread)| (one.who.name(), *at, spread.median))
            })
            .collect();
        ends.sort_by(|left, right| right.2.total_cmp(&left.2));
        let ends: Vec<String> = ends
            .into_iter()
            .map(|(name, threads, median)| format!("{name} {} with {threads}", figure(median)))
            .collect();
        format!(
            "Lines over the number of threads, in {}. At their ends: {}.",
            self.unit,
            ends.join(", ")
        )
    }
}

/// The class of a contender's colour; ours is drawn boldly.
pub fn class(who: Roster) -> String {
    match who {
        Roster::Ours => format!("{} bold", who.name()),
        _ => who.name().to_owned(),
    }
}

/// A tick in few characters.
fn short(tick: f64) -> String {
    let text = match tick {
        _ if tick >= 1e6 => format!("{}M", tick / 1e6),
        _ if tick >= 1e3 => format!("{}k", tick / 1e3),
        _ => format!("{tick:.3}"),
    };
    match text.contains('.') && !text.ends_with(['k', 'M']) {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_short() {
        let shown = [0.0, 0.25, 2.5, 10.0, 250.0, 2_500.0, 2e6].map(short);
        assert_eq!(shown, ["0", "0.25", "2.5", "10", "250", "2.5k", "2M"]);
    }

    #[test]
    fn one_number_of_threads_is_drawn_too() {
        let spread = Spread { median: 1.0, min: 0.5, max: 2.0 };
        let series = [Series { who: Roster::Ours, points: vec![(4, spread)] }];
        let plot =
            Plot { id: "a", title: "t", unit: "u", threads: &[4], cores: 2, series: &series };
        let svg = plot.svg();
        assert!(svg.contains("<title") && !svg.contains("NaN") && !svg.contains("inf"));
    }
}
