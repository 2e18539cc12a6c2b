//! Who is asking the store for what: many who want the same key at once cause one question.

use std::collections::HashMap;
use std::sync::Arc;

use ig_core::lookup::Resolved;
use ig_core::ports::StoreError;
use parking_lot::Mutex;
use tokio::sync::watch;

use super::entry::EntryKey;

type Loaded = Result<Arc<Resolved>, StoreError>;

/// A key, and the number its table had when it was wanted.
#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) key: EntryKey,
    pub(super) generation: u64,
}

/// The questions under way, by key.
#[derive(Debug, Default)]
pub(super) struct Loads(Mutex<HashMap<EntryKey, UnderWay>>);

#[derive(Debug)]
struct UnderWay {
    generation: u64,
    load: Load,
}

/// A question that somebody else asked.
#[derive(Debug, Clone)]
pub(super) struct Load(watch::Receiver<Option<Loaded>>);

/// A key that somebody else is asking for.
#[derive(Debug)]
pub(super) struct Following {
    pub(super) key: EntryKey,
    pub(super) load: Load,
}

/// The keys that the holder has to ask for. When it is dropped, whoever waits for them learns that nobody asks any more.
#[derive(Debug)]
pub(super) struct Leading<'a> {
    loads: &'a Loads,
    wanted: Vec<Wanted>,
    result: watch::Sender<Option<Loaded>>,
}

impl Loads {
    /// Parts what nobody is asking for from what is under way. A question asked before its table changed is not waited for.
    pub(super) fn share(&self, wanted: Vec<Wanted>) -> (Leading<'_>, Vec<Following>) {
        let (result, receiver) = watch::channel(None);
        let (mut mine, mut following) = (Vec::new(), Vec::new());
        if !wanted.is_empty() {
            let mut under_way = self.0.lock();
            for wanted in wanted {
                match under_way.get(&wanted.key) {
                    Some(other) if other.generation == wanted.generation => following.push(Following {
                        load: other.load.clone(),
                        key: wanted.key,
                    }),
                    _ => {
                        let load = Load(receiver.clone());
                        let generation = wanted.generation;
                        under_way.insert(wanted.key.clone(), UnderWay { generation, load });
                        mine.push(wanted);
                    }
                }
            }
        }
        let wanted = mine;
        let loads = self;
        (Leading { loads, wanted, result }, following)
    }
}

impl Load {
    /// What came of it; nothing when whoever asked has gone.
    pub(super) async fn result(mut self) -> Option<Loaded> {
        self.0.wait_for(Option::is_some).await.ok()?.clone()
    }
}

impl Leading<'_> {
    pub(super) fn wanted(&self) -> &[Wanted] {
        &self.wanted
    }

    pub(super) fn finish(self, loaded: Loaded) {
        self.result.send_replace(Some(loaded));
    }
}

impl Drop for Leading<'_> {
    fn drop(&mut self) {
        if self.wanted.is_empty() {
            return;
        }
        let own = self.result.subscribe();
        let mut under_way = self.loads.0.lock();
        for Wanted { key, .. } in &self.wanted {
            if under_way.get(key).is_some_and(|other| other.load.0.same_channel(&own)) {
                under_way.remove(key);
            }
        }
    }
}
