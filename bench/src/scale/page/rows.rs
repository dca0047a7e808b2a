//! A row for each contender: times of single operations on a logarithmic axis, and bars from zero.

use super::draw::{Drawing, ticks};
use super::lines::class;
use crate::contender::Roster;
use crate::report::{Spread, figure};
use crate::scale::table::duration;

const WIDTH: f64 = 380.0;
const LEFT: f64 = 72.0;
const RIGHT: f64 = 356.0;
const TOP: f64 = 26.0;
const ROW: f64 = 22.0;

/// Times of single operations: p50, p99 and p99.9 of each contender, in nanoseconds.
pub fn times(id: &str, title: &str, rows: &[(Roster, [f64; 3])]) -> String {
    let all = || rows.iter().flat_map(|(_, times)| times.iter().copied());
    let decade = |nanos: f64| nanos.max(1.0).log10();
    let from = all().map(decade).fold(f64::MAX, f64::min).floor();
    let to = all().map(decade).fold(from + 1.0, f64::max).ceil();
    let x = |nanos: f64| LEFT + (RIGHT - LEFT) * (decade(nanos) - from) / (to - from);

    let bottom = TOP + ROW * rows.len() as f64;
    let mut drawing = Drawing::new(WIDTH, bottom + 24.0);
    legend_of_times(&mut drawing);
    // Every decade has its line, and as many of them a label as there is room for.
    let labelled = ((to - from) / 6.0).ceil() as i32;
    for exponent in from as i32..=to as i32 {
        let at = 10_f64.powi(exponent);
        drawing.line("axis", (x(at), TOP), (x(at), bottom));
        if (exponent - from as i32) % labelled == 0 {
            drawing.text("", "middle", (x(at), bottom + 16.0), &unit(exponent));
        }
    }
    let mut words = Vec::new();
    for (index, (who, times)) in rows.iter().enumerate() {
        let y = TOP + ROW * (index as f64 + 0.5);
        let name = class(*who);
        let [middle, slow, slowest] = times.map(|nanos| (x(nanos), y));
        drawing.text(&format!("name {name}"), "end", (LEFT - 6.0, y + 4.0), who.name());
        drawing.line(&format!("path {name}"), middle, slowest);
        drawing.diamond(&format!("dot {name}"), slowest, 5.0);
        drawing.disc(&format!("ring {name}"), slow, 4.0);
        drawing.disc(&format!("dot {name}"), middle, 4.0);
        words.push(format!("{} {}", who.name(), times.map(duration).join(" / ")));
    }
    let words = format!("p50 / p99 / p99.9 on a logarithmic axis: {}.", words.join(", "));
    drawing.finish(id, title, &words)
}

fn legend_of_times(drawing: &mut Drawing) {
    drawing.disc("dot key", (LEFT + 4.0, 11.0), 4.0);
    drawing.text("", "start", (LEFT + 13.0, 15.0), "p50");
    drawing.disc("ring key", (LEFT + 58.0, 11.0), 4.0);
    drawing.text("", "start", (LEFT + 67.0, 15.0), "p99");
    drawing.diamond("dot key", (LEFT + 113.0, 11.0), 5.0);
    drawing.text("", "start", (LEFT + 122.0, 15.0), "p99.9 of single operations");
}

/// A power of ten nanoseconds, as 10 ns, 1 us, 100 ms.
fn unit(exponent: i32) -> String {
    let names = ["ns", "us", "ms", "s"];
    let group = (exponent / 3).clamp(0, 3);
    format!("{} {}", 10_i64.pow((exponent - group * 3) as u32), names[group as usize])
}

/// Bytes an entry: after the load, and after one overwrite of each key.
pub fn bytes(id: &str, title: &str, rows: &[(Roster, Spread, Option<Spread>)]) -> String {
    let most = rows
        .iter()
        .map(|(_, loaded, over)| over.map_or(loaded.median, |over| over.median.max(loaded.median)));
    let ticks = ticks(most.fold(0.0, f64::max));
    let right = RIGHT - 26.0;
    let x = |bytes: f64| LEFT + (right - LEFT) * bytes / ticks[ticks.len() - 1];
    let row = ROW + 6.0;
    let bottom = TOP + row * rows.len() as f64;
    let mut drawing = Drawing::new(WIDTH, bottom + 24.0);
    drawing.bar("dot key", (LEFT, 6.0), (14.0, 9.0));
    drawing.text("", "start", (LEFT + 19.0, 15.0), "loaded");
    drawing.bar("faint key", (LEFT + 76.0, 6.0), (14.0, 9.0));
    drawing.text("", "start", (LEFT + 95.0, 15.0), "each key overwritten once");
    for tick in &ticks {
        drawing.line("axis", (x(*tick), TOP), (x(*tick), bottom));
        drawing.text("", "middle", (x(*tick), bottom + 16.0), &figure_of(*tick));
    }
    let mut words = Vec::new();
    for (index, (who, loaded, over)) in rows.iter().enumerate() {
        let y = TOP + row * index as f64 + 3.0;
        let name = class(*who);
        drawing.text(&format!("name {name}"), "end", (LEFT - 6.0, y + 15.0), who.name());
        for (lower, kind, spread) in [(0.0, "dot", Some(*loaded)), (11.0, "faint", *over)] {
            let Some(spread) = spread else { continue };
            let end = x(spread.median);
            drawing.bar(&format!("{kind} {name}"), (LEFT, y + lower), (end - LEFT, 10.0));
            drawing.text("", "start", (end + 4.0, y + lower + 9.0), &figure_of(spread.median));
        }
        let after = over.map_or("unknown".to_owned(), |over| figure_of(over.median));
        words.push(format!("{} {} and {after}", who.name(), figure_of(loaded.median)));
    }
    let words =
        format!("Bytes an entry after the load and after overwrites: {}.", words.join(", "));
    drawing.finish(id, title, &words)
}

fn figure_of(bytes: f64) -> String {
    if bytes == 0.0 { "0".to_owned() } else { figure(bytes) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_of_ten_have_their_unit() {
        let shown = [0, 1, 3, 5, 8, 9, 10].map(unit);
        assert_eq!(shown, ["1 ns", "10 ns", "1 us", "100 us", "100 ms", "1 s", "10 s"]);
    }

    #[test]
    fn equal_times_are_drawn_too() {
        let svg = times("a", "t", &[(Roster::Ours, [100.0; 3])]);
        assert!(!svg.contains("NaN") && !svg.contains("inf"));
    }
}
