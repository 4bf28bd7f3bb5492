//! One line on standard error that says how far a long scan is.

use std::io::Write;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::page::{fit_name, width_of};
use super::summary::duration;
use super::words::{grouped, plural};
use crate::scan::Progress;

/// A scan that is over sooner shows no progress.
const PATIENCE: Duration = Duration::from_millis(400);
/// Time between two drawings.
const PERIOD: Duration = Duration::from_millis(200);

/// The line while it lives. Whoever starts one has seen that standard error is a terminal.
///
/// Records that stream to the same terminal would tear the line: call [`ProgressLine::hide`] before the first one.
/// Anything else for standard error goes through [`ProgressLine::say`].
#[derive(Debug)]
pub struct ProgressLine {
    line: Arc<Mutex<Line>>,
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// What is on the terminal now.
#[derive(Debug, Default)]
struct Line {
    width: usize,
    hidden: bool,
}

impl Line {
    // Blanks instead of an escape sequence: they erase on every terminal, with colours or without.
    fn erase(&mut self) {
        if self.width > 0 {
            eprint(&format!("\r{}\r", " ".repeat(self.width)));
            self.width = 0;
        }
    }

    fn draw(&mut self, text: &str) {
        if self.hidden {
            return;
        }
        // The last column stays free: a cursor beyond it would start a new line on some terminals.
        let columns = terminal_size::terminal_size_of(std::io::stderr()).map_or(80, |(width, _)| usize::from(width.0));
        let text = fit_name(text, columns.saturating_sub(1));
        let width = width_of(&text);
        eprint(&format!("\r{text}{}\r", " ".repeat(self.width.saturating_sub(width))));
        self.width = width;
    }
}

/// Writes without a line end. A terminal that is gone is no reason to end a scan.
fn eprint(text: &str) {
    let mut stderr = std::io::stderr().lock();
    let _ = stderr.write_all(text.as_bytes()).and_then(|()| stderr.flush());
}

fn lock(line: &Mutex<Line>) -> MutexGuard<'_, Line> {
    line.lock().unwrap_or_else(PoisonError::into_inner)
}

impl ProgressLine {
    /// Starts drawing what `progress` says. Where no thread can be had, nothing is drawn.
    #[must_use]
    pub fn start(progress: Arc<Progress>) -> ProgressLine {
        let line = Arc::new(Mutex::new(Line::default()));
        let (stop, stopped) = channel();
        let shared = Arc::clone(&line);
        let draw = move || watch(&progress, &shared, &stopped);
        let thread = std::thread::Builder::new().name("progress".to_owned()).spawn(draw).ok();
        ProgressLine { line, stop: Some(stop), thread }
    }

    /// Writes a line to standard error, in place of the progress line, which comes back below it.
    pub fn say(&self, message: &str) {
        let mut line = lock(&self.line);
        line.erase();
        eprint(&format!("{message}\n"));
    }

    /// Erases the line and draws no more.
    pub fn hide(&self) {
        let mut line = lock(&self.line);
        line.erase();
        line.hidden = true;
    }

    /// Erases the line and ends the thread.
    pub fn stop(self) {
        drop(self);
    }
}

impl Drop for ProgressLine {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        lock(&self.line).erase();
    }
}

fn watch(progress: &Progress, line: &Mutex<Line>, stopped: &Receiver<()>) {
    let start = Instant::now();
    let mut wait = PATIENCE;
    while stopped.recv_timeout(wait) == Err(RecvTimeoutError::Timeout) {
        lock(line).draw(&text(progress.snapshot(), start.elapsed()));
        wait = PERIOD;
    }
}

/// `1,234 of 5,678 files, 380 MB/s, 12 s left`; while files are still being found, `1,234 files, 380 MB/s`.
fn text((found, done, bytes, walked): (u64, u64, u64, bool), elapsed: Duration) -> String {
    #[allow(clippy::cast_precision_loss)] // a rate of three digits
    let rate = bytes as f64 / elapsed.as_secs_f64().max(0.001) / 1e6;
    if !walked {
        return format!("{} done, {} found so far, {rate:.0} MB/s", plural(done, "file", "files"), grouped(found));
    }
    let mut text = format!("{} of {}, {rate:.0} MB/s", grouped(done), plural(found, "file", "files"));
    if done > 0 {
        #[allow(clippy::cast_precision_loss)] // an estimate
        let left = elapsed.as_secs_f64() * found.saturating_sub(done) as f64 / done as f64;
        // Whole seconds: tenths of an estimate flicker.
        let left = Duration::try_from_secs_f64(left.ceil()).unwrap_or_default();
        let left = if left.as_secs() < 10 { format!("{} s", left.as_secs()) } else { duration(left) };
        text.push_str(&format!(", {left} left"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_left_is_told_once_the_walk_is_over() {
        let elapsed = Duration::from_secs(10);
        let finding = text((5678, 1234, 1_000_000_000, false), elapsed);
        assert_eq!(finding, "1,234 files done, 5,678 found so far, 100 MB/s");
        let walked = text((2000, 500, 1_000_000_000, true), elapsed);
        assert_eq!(walked, "500 of 2,000 files, 100 MB/s, 30 s left");
        assert_eq!(text((1, 0, 0, true), Duration::ZERO), "0 of 1 file, 0 MB/s");
        assert_eq!(text((2000, 1990, 0, true), elapsed), "1,990 of 2,000 files, 0 MB/s, 1 s left");
    }

    #[test]
    fn a_line_starts_and_stops_at_once() {
        let start = Instant::now();
        ProgressLine::start(Arc::new(Progress::default())).stop();
        assert!(start.elapsed() < PATIENCE);
    }
}
