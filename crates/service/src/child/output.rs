//! The last lines of a child's output.

use std::{
    collections::VecDeque,
    io::{self, BufRead, BufReader, Read},
    sync::{Arc, mpsc::Sender},
    thread,
};

use parking_lot::Mutex;

/// Enough to explain a failed start, and few enough for one screen.
const MAX_LINES: usize = 20;

#[derive(Debug, Clone, Default)]
pub(super) struct OutputTail(Arc<Mutex<VecDeque<String>>>);

impl OutputTail {
    /// Reads a stream to its end on a thread, so that the child never blocks on a full pipe; then drops `reading`.
    pub(super) fn follow(&self, stream: Option<impl Read + Send + 'static>, reading: Sender<()>) -> io::Result<()> {
        let Some(stream) = stream else { return Ok(()) };
        let tail = self.clone();
        let thread = thread::Builder::new().name("child-output".to_owned());
        thread.spawn(move || {
            let _reading = reading;
            tail.read(stream);
        })?;
        Ok(())
    }

    pub(super) fn text(&self) -> String {
        Vec::from(self.0.lock().clone()).join("\n")
    }

    fn read(&self, stream: impl Read) {
        let mut reader = BufReader::new(stream);
        let mut line = Vec::new();
        while reader.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
            self.push(String::from_utf8_lossy(&line).trim_end().to_owned());
            line.clear();
        }
    }

    fn push(&self, line: String) {
        let mut lines = self.0.lock();
        if lines.len() == MAX_LINES {
            lines.pop_front();
        }
        lines.push_back(line);
    }
}
