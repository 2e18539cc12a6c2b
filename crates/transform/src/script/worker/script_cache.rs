//! The scripts that a worker keeps loaded, and when it evicts them.

use std::collections::HashMap;
use std::fs::File;
use std::os::unix::fs::FileExt as _;

use super::engine::{Engine, LoadedScript};
use crate::script::limits::{CONTEXT_GROWTH, CONTEXT_RUNS, WORKER_CONTEXTS, WORKER_RESIDENT};

/// Loaded scripts by their keys, which name the organisation too; the least recently used one is evicted first.
pub(super) struct ScriptCache {
    entries: HashMap<String, Entry>,
    /// Counts uses.
    tick: u64,
    memory: ResidentMemory,
}

struct Entry {
    script: Box<dyn LoadedScript>,
    last_used: u64,
    runs: u32,
    growth: u64,
}

impl ScriptCache {
    /// An empty cache, made before the process is confined; `statm` is the process's file of that name.
    pub(super) fn new(statm: File) -> Self {
        let (entries, memory) = (HashMap::new(), ResidentMemory::new(statm));
        Self {
            entries,
            tick: 0,
            memory,
        }
    }

    /// Adds a script, and evicts the least recently used one if the cache is full.
    pub(super) fn insert(&mut self, key: String, script: Box<dyn LoadedScript>) {
        if self.entries.len() >= WORKER_CONTEXTS {
            let oldest = self.entries.iter().min_by_key(|(_, entry)| entry.last_used);
            oldest.map(|(key, _)| key.clone()).and_then(|key| self.entries.remove(&key));
        }
        self.tick += 1;
        let (last_used, runs, growth) = (self.tick, 0, 0);
        self.entries.insert(
            key,
            Entry {
                script,
                last_used,
                runs,
                growth,
            },
        );
        self.memory.growth();
    }

    /// The script of a key, if it is loaded.
    pub(super) fn get(&mut self, key: &str) -> Option<&mut dyn LoadedScript> {
        self.tick += 1;
        let entry = self.entries.get_mut(key)?;
        entry.last_used = self.tick;
        Some(&mut *entry.script)
    }

    /// Evicts the script of the run that has ended, if its context is used up; true when the whole worker has to be replaced.
    pub(super) fn evict_after_run(&mut self, key: &str, engine: &mut impl Engine) -> bool {
        let Some(entry) = self.entries.get_mut(key) else {
            return false;
        };
        entry.runs += 1;
        entry.growth += self.memory.growth();
        let heavy = entry.growth > CONTEXT_GROWTH;
        if entry.script.is_poisoned() || entry.runs >= CONTEXT_RUNS || heavy {
            self.entries.remove(key);
        }
        if heavy {
            engine.collect_garbage();
            self.memory.growth();
        }
        self.memory.resident > WORKER_RESIDENT && self.clear(engine)
    }

    fn clear(&mut self, engine: &mut impl Engine) -> bool {
        self.entries.clear();
        engine.collect_garbage();
        self.memory.growth();
        self.memory.resident > WORKER_RESIDENT
    }
}

/// The resident memory of the process.
struct ResidentMemory {
    statm: File,
    page_size: u64,
    resident: u64,
}

impl ResidentMemory {
    /// Asks for the page size here, while files can still be read.
    fn new(statm: File) -> Self {
        let page_size = rustix::param::page_size() as u64;
        Self {
            statm,
            page_size,
            resident: 0,
        }
    }

    /// The growth in bytes since the last call.
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
        pages.unwrap_or(0) * self.page_size
    }
}
