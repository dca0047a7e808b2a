//! How far the run is, on standard error: a bar on a terminal, a line a process elsewhere.

use std::io::{IsTerminal, stderr};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Steps done of those there are.
pub struct Progress {
    bar: ProgressBar,
    lines: bool,
}

impl Progress {
    /// Progress over `steps`.
    pub fn new(steps: usize) -> Progress {
        let bar = ProgressBar::with_draw_target(Some(steps as u64), ProgressDrawTarget::stderr());
        if let Ok(style) =
            ProgressStyle::with_template("{bar:30} {pos}/{len} {elapsed} left {eta} {msg}")
        {
            bar.set_style(style);
        }
        Progress { bar, lines: !stderr().is_terminal() }
    }

    /// A step begins. Nothing is drawn until the next call: a ticking bar would be one thread more
    /// on the machine that is measured.
    pub fn begin(&self, step: &str) {
        if self.lines {
            let (done, of) = (self.bar.position() + 1, self.bar.length().unwrap_or(0));
            eprintln!("[{done}/{of}] {step}");
        }
        self.bar.set_message(step.to_owned());
    }

    /// The step ended.
    pub fn end(&self) {
        self.bar.inc(1);
    }

    /// Everything is done.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
