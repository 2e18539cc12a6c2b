//! The scripts that a worker keeps ready, and when it lets them go.

use std::collections::HashMap;
use std::fs::File;
use std::os::unix::fs::FileExt as _;

use super::engine::{Engine, Loaded};
use crate::script::limits::{CONTEXT_GROWTH, CONTEXT_RUNS, WORKER_CONTEXTS, WORKER_RESIDENT};

/// Kept scripts, by what identifies them (which names the organisation too).
pub(super) struct Shelf {
    kept: HashMap<String, Kept>,
    turn: u64,
    memory: Memory,
}

struct Kept {
    script: Box<dyn Loaded>,
    used: u64,
    runs: u32,
    grown: u64,
}

impl Shelf {
    /// An empty shelf, to be made before the process is confined; `statm` is its file of that name.
    pub(super) fn new(statm: File) -> Self {
        let (kept, memory) = (HashMap::new(), Memory::new(statm));
        Self { kept, turn: 0, memory }
    }

    /// Keeps a script; the one that was not used for longest makes room.
    pub(super) fn put(&mut self, key: String, script: Box<dyn Loaded>) {
        if self.kept.len() >= WORKER_CONTEXTS {
            let oldest = self.kept.iter().min_by_key(|(_, kept)| kept.used);
            oldest.map(|(key, _)| key.clone()).and_then(|key| self.kept.remove(&key));
        }
        self.turn += 1;
        let (used, runs, grown) = (self.turn, 0, 0);
        self.kept.insert(
            key,
            Kept {
                script,
                used,
                runs,
                grown,
            },
        );
        self.memory.growth();
    }

    /// The script, if it is kept.
    pub(super) fn get(&mut self, key: &str) -> Option<&mut dyn Loaded> {
        self.turn += 1;
        let kept = self.kept.get_mut(key)?;
        kept.used = self.turn;
        Some(&mut *kept.script)
    }

    /// Lets go what the run that just ended has worn out; true when the whole worker is.
    pub(super) fn settle(&mut self, key: &str, engine: &mut impl Engine) -> bool {
        let Some(kept) = self.kept.get_mut(key) else { return false };
        kept.runs += 1;
        kept.grown += self.memory.growth();
        let heavy = kept.grown > CONTEXT_GROWTH;
        if kept.script.spoiled() || kept.runs >= CONTEXT_RUNS || heavy {
            self.kept.remove(key);
        }
        if heavy {
            engine.collect();
            self.memory.growth();
        }
        self.memory.resident > WORKER_RESIDENT && self.clear(engine)
    }

    fn clear(&mut self, engine: &mut impl Engine) -> bool {
        self.kept.clear();
        engine.collect();
        self.memory.growth();
        self.memory.resident > WORKER_RESIDENT
    }
}

/// How much memory the process holds.
struct Memory {
    statm: File,
    page: u64,
    resident: u64,
}

impl Memory {
    /// The size of a page is asked for here, while files can still be read.
    fn new(statm: File) -> Self {
        let page = rustix::param::page_size() as u64;
        Self {
            statm,
            page,
            resident: 0,
        }
    }

    /// By how many bytes it has grown since it was asked last.
    fn growth(&mut self) -> u64 {
        let resident = self.measure();
        let before = std::mem::replace(&mut self.resident, resident);
        self.resident.saturating_sub(before)
    }

    /// The second number of `statm` is the resident pages.
    fn measure(&self) -> u64 {
        let mut text = [0; 128];
        let read = self.statm.read_at(&mut text, 0).unwrap_or(0);
        let text = std::str::from_utf8(&text[..read]).unwrap_or("");
        let pages = text.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok());
        pages.unwrap_or(0) * self.page
    }
}
