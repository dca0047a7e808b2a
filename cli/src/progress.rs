//! How far it has come, for people who watch.

use engine::BackupProgress;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A line on the standard error, if that is a terminal; else nothing.
pub struct Progress {
    line: ProgressBar,
}

impl Progress {
    pub fn new(action: &'static str) -> Self {
        let line = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(10));
        line.set_style(ProgressStyle::default_spinner());
        line.set_prefix(action);
        Self { line }
    }

    pub fn show(&self, so_far: &BackupProgress<'_>) {
        if !self.line.is_hidden() {
            let space = so_far.space.unwrap_or("the default space");
            let mebibytes = so_far.bytes >> 20;
            let action = self.line.prefix();
            self.line.set_message(format!(
                "{action} {space:?}: {} entries, {mebibytes} MiB",
                so_far.entries
            ));
            self.line.tick();
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.line.finish_and_clear();
    }
}
