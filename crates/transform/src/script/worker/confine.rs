//! The rights that a worker gives up before it receives a script.
//!
//! The engine is memory-safe Rust in the main, and scripts have no way to a system call. This is for the day when one finds a way:
//! the process can only read and write its one socket, use memory up to its limit, and exit.

use std::collections::BTreeMap;
use std::io;

use rustix::process::{DumpableBehavior, Resource, Rlimit, Signal};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule, TargetArch,
};

use crate::script::limits::WORKER_ADDRESS_SPACE;

/// Sets the limits that the program starts under. The worker dies with the thread that started it.
pub(super) fn before_start() -> io::Result<()> {
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    rustix::thread::set_no_new_privs(true)?;
    set_limit(Resource::As, WORKER_ADDRESS_SPACE)?;
    set_limit(Resource::Core, 0)?;
    set_limit(Resource::Fsize, 0)
}

/// Lowers the priority: on a busy processor the worker gets a tenth of the share of the service or another worker. Best effort.
pub(super) fn yield_to_others() {
    const NICE: i32 = 10;
    let _ = rustix::process::setpriority_process(None, NICE);
}

/// Makes the kernel kill this process before the service when memory runs out. Best effort.
pub(super) fn prefer_as_oom_victim() {
    let _ = std::fs::write("/proc/self/oom_score_adj", "1000");
}

/// Forbids new files, threads and processes, and all system calls beyond the list. Call it once all threads run.
pub(super) fn before_scripts() -> io::Result<()> {
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    set_limit(Resource::Nofile, 0)?;
    set_limit(Resource::Nproc, 0)?;
    let program = filter().map_err(io::Error::other)?;
    seccompiler::apply_filter_all_threads(&program).map_err(io::Error::other)
}

fn set_limit(resource: Resource, limit: u64) -> io::Result<()> {
    let (current, maximum) = (Some(limit), Some(limit));
    Ok(rustix::process::setrlimit(resource, Rlimit { current, maximum })?)
}

/// Calls that are not listed fail as not permitted, so that libraries with optional calls go on without them.
fn filter() -> Result<BpfProgram, seccompiler::BackendError> {
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = ALLOWED_CALLS.iter().map(|call| (*call, Vec::new())).collect();
    let not_executable = || bits_unset(2, libc::PROT_EXEC);
    rules.insert(libc::SYS_mmap, vec![not_executable()?]);
    rules.insert(libc::SYS_mprotect, vec![not_executable()?]);
    rules.insert(libc::SYS_tgkill, vec![own_process()?]);
    let arch: TargetArch = std::env::consts::ARCH.try_into()?;
    let refusal = SeccompAction::Errno(libc::EPERM.unsigned_abs());
    SeccompFilter::new(rules, refusal, SeccompAction::Allow, arch)?.try_into()
}

const ALLOWED_CALLS: [i64; 27] = [
    // The socket.
    libc::SYS_read,
    libc::SYS_write,
    libc::SYS_readv,
    libc::SYS_writev,
    libc::SYS_recvfrom,
    libc::SYS_sendto,
    libc::SYS_close,
    // Resident memory, from a file that is open already.
    libc::SYS_pread64,
    libc::SYS_lseek,
    // Memory.
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_madvise,
    libc::SYS_brk,
    // Existing threads, and time.
    libc::SYS_futex,
    libc::SYS_sched_yield,
    libc::SYS_clock_gettime,
    libc::SYS_getrandom,
    libc::SYS_restart_syscall,
    // Exits and signals.
    libc::SYS_exit,
    libc::SYS_exit_group,
    libc::SYS_sigaltstack,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_gettid,
    libc::SYS_getpid,
    libc::SYS_rseq,
];

fn bits_unset(argument: u8, bits: i32) -> Result<SeccompRule, seccompiler::BackendError> {
    let mask = u64::from(bits.unsigned_abs());
    let condition = SeccompCondition::new(argument, SeccompCmpArgLen::Dword, SeccompCmpOp::MaskedEq(mask), 0)?;
    SeccompRule::new(vec![condition])
}

fn own_process() -> Result<SeccompRule, seccompiler::BackendError> {
    let own = u64::from(std::process::id());
    SeccompRule::new(vec![SeccompCondition::new(
        0,
        SeccompCmpArgLen::Dword,
        SeccompCmpOp::Eq,
        own,
    )?])
}
