//! One child process: started, listened to, stopped when it takes too long.

use std::io::{self, Read};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

/// How a child process ended.
pub struct Ended {
    /// What it said on its standard output, also before a failure.
    pub said: String,
    /// What went wrong.
    pub trouble: Option<String>,
}

/// Runs `program` with `args` to its end, or for as long as `patience` lasts.
///
/// # Errors
///
/// Where it cannot be started, or not be stopped.
pub fn run_child(program: &Path, args: &[String], patience: Duration) -> io::Result<Ended> {
    let mut child = Command::new(program)
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let said = gather(child.stdout.take());
    let complained = gather(child.stderr.take());
    // Its output ends when it does. Waiting for that, not asking now and then whether it still
    // runs, leaves both cores to it.
    let in_time = said.recv_timeout(patience);
    let stopped = in_time.is_err();
    if stopped {
        child.kill()?;
    }
    let said = in_time.or_else(|_| said.recv()).unwrap_or_default();
    let complained = complained.recv().unwrap_or_default();
    let status = child.wait()?;
    let trouble = if stopped {
        Some(format!("stopped after {} s", patience.as_secs()))
    } else {
        (!status.success()).then(|| format!("{status}: {}", complained.trim()))
    };
    Ok(Ended { said, trouble })
}

/// Reads a pipe to its end, so that a talkative child does not wait for its reader, and sends what
/// was read.
fn gather(pipe: Option<impl Read + Send + 'static>) -> Receiver<String> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            // What was read before an error is still something.
            let _ = pipe.read_to_end(&mut bytes);
        }
        // Nobody receives when the parent gave up.
        let _ = sender.send(String::from_utf8_lossy(&bytes).into_owned());
    });
    receiver
}
