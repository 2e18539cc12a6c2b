//! What a script may use. A limit affects only the script that reaches it.

use std::time::Duration;

use ig_core::event::MAX_PAYLOAD_BYTES;

/// How long a run may take, unless its integration sets another limit.
pub const DEFAULT_DEADLINE: Duration = Duration::from_millis(250);
/// How long a run may take at most.
pub const MAX_DEADLINE: Duration = Duration::from_secs(2);
/// Bytes of source.
pub const MAX_SOURCE_BYTES: usize = 64 * 1024;
/// Levels of nested brackets in a source.
pub const MAX_NESTING: usize = 200;
/// Bytes of a payload for JavaScript.
pub const MAX_INPUT_BYTES: usize = 256 * 1024;
/// Bytes of JSON that a script returns.
pub const MAX_OUTPUT_BYTES: usize = 1024 * 1024;
/// Levels of objects and arrays in the input and the output of a script.
pub const MAX_DEPTH: usize = 100;

/// Lookups in one run.
pub(crate) const MAX_LOOKUPS: u32 = 1000;
/// Bytes of a lookup's type and value.
pub(crate) const MAX_LOOKUP_BYTES: usize = 4 * 1024;
/// Promise jobs in one run.
pub(crate) const MAX_JOBS: u64 = 100_000;
/// Iterations of a loop in one function call.
pub(crate) const MAX_LOOP_ITERATIONS: u64 = 1_000_000;
/// Depth of nested function calls.
pub(crate) const MAX_RECURSION: usize = 200;
/// Values on the engine's stack.
pub(crate) const MAX_VM_STACK: usize = 50_000;
/// Bytes of one array buffer.
pub(crate) const MAX_BUFFER_BYTES: u64 = 16 * 1024 * 1024;
/// Console lines kept from one run.
pub(crate) const MAX_CONSOLE_LINES: usize = 100;
/// Bytes of console output kept from one run.
pub(crate) const MAX_CONSOLE_BYTES: usize = 8 * 1024;
/// Bytes of an error's message.
pub(crate) const MAX_MESSAGE_BYTES: usize = 1024;

/// Address space of a worker.
pub(crate) const WORKER_ADDRESS_SPACE: u64 = 512 * 1024 * 1024;
/// Stack of the thread that runs scripts.
pub(crate) const WORKER_STACK: usize = 64 * 1024 * 1024;
/// Resident bytes above which a worker evicts all scripts, and is replaced if that does not help.
pub(crate) const WORKER_RESIDENT: u64 = 200 * 1024 * 1024;
/// Scripts that a worker keeps loaded.
pub(crate) const WORKER_CONTEXTS: usize = 50;
/// Runs after which a context is replaced.
pub(crate) const CONTEXT_RUNS: u32 = 5_000;
/// Bytes of growth after which a context is replaced.
pub(crate) const CONTEXT_GROWTH: u64 = 20 * 1024 * 1024;
/// Bytes of one frame between service and worker.
pub(crate) const MAX_FRAME_BYTES: usize = MAX_PAYLOAD_BYTES + 1024 * 1024;

/// How deep a JSON text nests; it may be invalid.
pub(crate) fn depth(json: &[u8]) -> usize {
    let (mut deepest, mut depth) = (0_usize, 0_usize);
    let (mut quoted, mut escaped) = (false, false);
    for byte in json {
        match (quoted, byte) {
            (true, _) if escaped => escaped = false,
            (true, b'\\') => escaped = true,
            (_, b'"') => quoted = !quoted,
            (false, b'[' | b'{') => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            (false, b']' | b'}') => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_ignores_brackets_within_texts() {
        assert_eq!(depth(br#"{"a":[1,{"b\"[[[":"[[[["}]}"#), 3);
        assert_eq!(depth(b"1"), 0);
        assert_eq!(depth(b"]]]["), 1);
    }
}
