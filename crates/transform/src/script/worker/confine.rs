//! What a worker takes from itself before it sees a script.
//!
//! The engine is memory-safe Rust in the main, and scripts have no way to a system call. This is for the day when one finds a way:
//! the process can read and write the one socket it has, use memory up to its limit, and end.

use std::collections::BTreeMap;
use std::io;

use rustix::process::{DumpableBehavior, Resource, Rlimit, Signal};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule, TargetArch,
};

use crate::script::limits::WORKER_ADDRESS_SPACE;

/// Limits that the program starts under. The worker dies with the thread that started it.
pub(super) fn before_start() -> io::Result<()> {
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    rustix::thread::set_no_new_privs(true)?;
    limit(Resource::As, WORKER_ADDRESS_SPACE)?;
    limit(Resource::Core, 0)?;
    limit(Resource::Fsize, 0)
}

/// Of a busy processor it gets a tenth of what the service or another worker gets. Where it is not allowed, it stays as it is.
pub(super) fn yield_to_others() {
    const NICE: i32 = 10;
    let _ = rustix::process::setpriority_process(None, NICE);
}

/// Whoever is out of memory, it is to be this process that ends and not the service. Where it is not allowed, it stays as it is.
pub(super) fn offer_to_be_killed_first() {
    let _ = std::fs::write("/proc/self/oom_score_adj", "1000");
}

/// No new file, thread or process, no system call beyond the list; to be called when all threads run.
pub(super) fn before_scripts() -> io::Result<()> {
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    limit(Resource::Nofile, 0)?;
    limit(Resource::Nproc, 0)?;
    let program = filter().map_err(io::Error::other)?;
    seccompiler::apply_filter_all_threads(&program).map_err(io::Error::other)
}

fn limit(resource: Resource, most: u64) -> io::Result<()> {
    let (current, maximum) = (Some(most), Some(most));
    Ok(rustix::process::setrlimit(resource, Rlimit { current, maximum })?)
}

/// What is not listed answers "not permitted": libraries that ask for a favour go on without it.
fn filter() -> Result<BpfProgram, seccompiler::BackendError> {
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = FREE.iter().map(|call| (*call, Vec::new())).collect();
    let never_executable = || not_set(2, libc::PROT_EXEC);
    rules.insert(libc::SYS_mmap, vec![never_executable()?]);
    rules.insert(libc::SYS_mprotect, vec![never_executable()?]);
    rules.insert(libc::SYS_tgkill, vec![to_itself()?]);
    let arch: TargetArch = std::env::consts::ARCH.try_into()?;
    let refusal = SeccompAction::Errno(libc::EPERM.unsigned_abs());
    SeccompFilter::new(rules, refusal, SeccompAction::Allow, arch)?.try_into()
}

const FREE: [i64; 27] = [
    // The socket.
    libc::SYS_read,
    libc::SYS_write,
    libc::SYS_readv,
    libc::SYS_writev,
    libc::SYS_recvfrom,
    libc::SYS_sendto,
    libc::SYS_close,
    // How large it has grown, from a file that is open already.
    libc::SYS_pread64,
    libc::SYS_lseek,
    // Memory.
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_madvise,
    libc::SYS_brk,
    // Threads that are there, and time.
    libc::SYS_futex,
    libc::SYS_sched_yield,
    libc::SYS_clock_gettime,
    libc::SYS_getrandom,
    libc::SYS_restart_syscall,
    // Ending, in order or not.
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

fn not_set(argument: u8, bits: i32) -> Result<SeccompRule, seccompiler::BackendError> {
    let mask = u64::from(bits.unsigned_abs());
    let condition = SeccompCondition::new(argument, SeccompCmpArgLen::Dword, SeccompCmpOp::MaskedEq(mask), 0)?;
    SeccompRule::new(vec![condition])
}

fn to_itself() -> Result<SeccompRule, seccompiler::BackendError> {
    let own = u64::from(std::process::id());
    SeccompRule::new(vec![SeccompCondition::new(
        0,
        SeccompCmpArgLen::Dword,
        SeccompCmpOp::Eq,
        own,
    )?])
}
