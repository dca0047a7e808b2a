//! What every plot is drawn with: scales, ticks, escaped text, the frame that says what it shows.

use std::fmt::Write as _;

/// Text that stands for itself in HTML and SVG.
pub fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// A drawing under construction.
pub struct Drawing {
    width: f64,
    height: f64,
    body: String,
}

impl Drawing {
    /// An empty one.
    pub fn new(width: f64, height: f64) -> Drawing {
        Drawing { width, height, body: String::new() }
    }

    /// A line from one point to another.
    pub fn line(&mut self, class: &str, from: (f64, f64), to: (f64, f64)) {
        let ((x1, y1), (x2, y2)) = (from, to);
        let _ = writeln!(
            self.body,
            r#"<line class="{class}" x1="{x1:.1}" y1="{y1:.1}" x2="{x2:.1}" y2="{y2:.1}"/>"#
        );
    }

    /// A line through all of `points`.
    pub fn path(&mut self, class: &str, points: impl Iterator<Item = (f64, f64)>) {
        let points: Vec<String> = points.map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        let _ = writeln!(self.body, r#"<polyline class="{class}" points="{}"/>"#, points.join(" "));
    }

    /// A disc.
    pub fn disc(&mut self, class: &str, (x, y): (f64, f64), radius: f64) {
        let _ = writeln!(
            self.body,
            r#"<circle class="{class}" cx="{x:.1}" cy="{y:.1}" r="{radius}"/>"#
        );
    }

    /// A square that stands on its corner.
    pub fn diamond(&mut self, class: &str, (x, y): (f64, f64), radius: f64) {
        let _ = writeln!(
            self.body,
            r#"<path class="{class}" d="M{x:.1} {:.1}l{radius} {radius}l-{radius} {radius}l-{radius} -{radius}z"/>"#,
            y - radius
        );
    }

    /// A rectangle.
    pub fn bar(&mut self, class: &str, (x, y): (f64, f64), (width, height): (f64, f64)) {
        let _ = writeln!(
            self.body,
            r#"<rect class="{class}" x="{x:.1}" y="{y:.1}" width="{width:.1}" height="{height:.1}"/>"#
        );
    }

    /// Text that begins, ends or is centred at a point: `anchor` is "start", "end" or "middle".
    pub fn text(&mut self, class: &str, anchor: &str, (x, y): (f64, f64), text: &str) {
        let text = escaped(text);
        let _ = writeln!(
            self.body,
            r#"<text class="{class}" x="{x:.1}" y="{y:.1}" text-anchor="{anchor}">{text}</text>"#
        );
    }

    /// The drawing as an element of a page. `id` is unique there; `title` and `description` are for those who hear it.
    pub fn finish(self, id: &str, title: &str, description: &str) -> String {
        let Drawing { width, height, body } = self;
        let (title, description) = (escaped(title), escaped(description));
        format!(
            "<svg viewBox=\"0 0 {width} {height}\" role=\"img\" aria-labelledby=\"{id}-t {id}-d\">\n\
             <title id=\"{id}-t\">{title}</title>\n<desc id=\"{id}-d\">{description}</desc>\n{body}</svg>\n"
        )
    }
}

/// Round numbers from 0 to `most` or just above, four to seven of them.
pub fn ticks(most: f64) -> Vec<f64> {
    if !most.is_finite() || most <= 0.0 {
        return vec![0.0, 1.0];
    }
    let size = 10_f64.powf((most / 4.0).log10().floor());
    let steps = [1.0, 2.0, 2.5, 5.0, 10.0].map(|one| one * size);
    let step = steps.into_iter().find(|step| most / step <= 6.0).unwrap_or(steps[4]);
    let count = (most / step - 1e-9).ceil() as usize;
    (0..=count).map(|index| index as f64 * step).collect()
}

/// Places at least `gap` apart and within `from..=to`, each as near as can be to the one wanted; the order stays.
pub fn spread_out(wanted: &[f64], gap: f64, from: f64, to: f64) -> Vec<f64> {
    let mut order: Vec<usize> = (0..wanted.len()).collect();
    order.sort_by(|&left, &right| wanted[left].total_cmp(&wanted[right]));
    let mut places = wanted.to_vec();
    let mut least = from;
    for &index in &order {
        places[index] = places[index].max(least);
        least = places[index] + gap;
    }
    let mut most = to;
    for &index in order.iter().rev() {
        places[index] = places[index].min(most);
        most = places[index] - gap;
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_reach_the_top() {
        assert_eq!(ticks(8.3), [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]);
        assert_eq!(ticks(100.0), [0.0, 20.0, 40.0, 60.0, 80.0, 100.0]);
        for most in [0.003, 0.7, 1.0, 17.0, 123_456.0] {
            let ticks = ticks(most);
            assert!((4..=7).contains(&ticks.len()), "{most}: {ticks:?}");
            assert!(ticks[ticks.len() - 1] >= most * 0.999_999, "{most}: {ticks:?}");
        }
        assert_eq!(ticks(0.0), [0.0, 1.0]);
    }

    #[test]
    fn labels_keep_apart_and_inside() {
        let places = spread_out(&[99.0, 100.0, 98.0, 5.0], 12.0, 0.0, 100.0);
        assert_eq!(places, [88.0, 100.0, 76.0, 5.0]);
    }

    #[test]
    fn text_cannot_become_markup() {
        let mut drawing = Drawing::new(10.0, 10.0);
        drawing.text("", "start", (0.0, 0.0), "<b>&");
        let shown = drawing.finish("a", "\"x\"", "y");
        assert!(shown.contains("&lt;b&gt;&amp;") && shown.contains("&quot;x&quot;"));
    }
}
