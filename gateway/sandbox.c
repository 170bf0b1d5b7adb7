/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/sandbox.h"

#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/socket.h>

DEFINE_AUTO(scmp_filter_ctx, seccomp_release)

#define CALLS(...)          \
	{                   \
		__VA_ARGS__ \
	}
#define N(array) (sizeof(array) / sizeof((array)[0]))

/* Memory and threads. clone(2) and mmap(2) have rules of their own. */
static const int memory[] = CALLS(
	SCMP_SYS(brk), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise),
	SCMP_SYS(msync), SCMP_SYS(mlock), SCMP_SYS(mlock2), SCMP_SYS(munlock),
	SCMP_SYS(membarrier), SCMP_SYS(futex), SCMP_SYS(futex_waitv),
	SCMP_SYS(set_robust_list), SCMP_SYS(get_robust_list), SCMP_SYS(rseq),
	SCMP_SYS(set_tid_address), SCMP_SYS(gettid), SCMP_SYS(getpid),
	SCMP_SYS(getppid), SCMP_SYS(sched_yield), SCMP_SYS(sched_getaffinity),
	SCMP_SYS(sched_setaffinity), SCMP_SYS(sched_setscheduler),
	SCMP_SYS(sched_getscheduler), SCMP_SYS(sched_getparam),
	SCMP_SYS(sched_get_priority_max), SCMP_SYS(sched_get_priority_min),
	SCMP_SYS(setpriority), SCMP_SYS(getpriority), SCMP_SYS(getcpu),
	SCMP_SYS(getrusage), SCMP_SYS(prlimit64), SCMP_SYS(getrlimit),
	SCMP_SYS(setrlimit), SCMP_SYS(arch_prctl), SCMP_SYS(prctl),
	SCMP_SYS(sysinfo), SCMP_SYS(uname), SCMP_SYS(getrandom), SCMP_SYS(exit),
	SCMP_SYS(exit_group), SCMP_SYS(restart_syscall));

static const int signals[] =
	CALLS(SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask),
	      SCMP_SYS(rt_sigreturn), SCMP_SYS(rt_sigpending),
	      SCMP_SYS(rt_sigtimedwait), SCMP_SYS(rt_sigsuspend),
	      SCMP_SYS(sigaltstack), SCMP_SYS(tgkill), SCMP_SYS(kill),
	      SCMP_SYS(signalfd4), SCMP_SYS(pause));

static const int clocks[] = CALLS(
	SCMP_SYS(clock_gettime), SCMP_SYS(clock_getres),
	SCMP_SYS(clock_nanosleep), SCMP_SYS(nanosleep), SCMP_SYS(gettimeofday),
	SCMP_SYS(time), SCMP_SYS(times), SCMP_SYS(timerfd_create),
	SCMP_SYS(timerfd_settime), SCMP_SYS(timerfd_gettime),
	SCMP_SYS(setitimer), SCMP_SYS(getitimer));

static const int waiting[] = CALLS(
	SCMP_SYS(epoll_create), SCMP_SYS(epoll_create1), SCMP_SYS(epoll_ctl),
	SCMP_SYS(epoll_wait), SCMP_SYS(epoll_pwait), SCMP_SYS(epoll_pwait2),
	SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(select), SCMP_SYS(pselect6),
	SCMP_SYS(eventfd2), SCMP_SYS(pipe2), SCMP_SYS(pipe));

/* socket(2) has rules of its own. */
static const int network[] =
	CALLS(SCMP_SYS(socketpair), SCMP_SYS(bind), SCMP_SYS(listen),
	      SCMP_SYS(accept), SCMP_SYS(accept4), SCMP_SYS(connect),
	      SCMP_SYS(shutdown), SCMP_SYS(getsockname), SCMP_SYS(getpeername),
	      SCMP_SYS(getsockopt), SCMP_SYS(setsockopt), SCMP_SYS(sendto),
	      SCMP_SYS(sendmsg), SCMP_SYS(sendmmsg), SCMP_SYS(recvfrom),
	      SCMP_SYS(recvmsg), SCMP_SYS(recvmmsg));

/* The database, its journal and its copies, the log, certificates, names. */
static const int files[] = CALLS(
	SCMP_SYS(read), SCMP_SYS(write), SCMP_SYS(readv), SCMP_SYS(writev),
	SCMP_SYS(pread64), SCMP_SYS(pwrite64), SCMP_SYS(preadv),
	SCMP_SYS(pwritev), SCMP_SYS(lseek), SCMP_SYS(open), SCMP_SYS(openat),
	SCMP_SYS(openat2), SCMP_SYS(close), SCMP_SYS(close_range),
	SCMP_SYS(fstat), SCMP_SYS(stat), SCMP_SYS(lstat), SCMP_SYS(newfstatat),
	SCMP_SYS(statx), SCMP_SYS(statfs), SCMP_SYS(fstatfs), SCMP_SYS(access),
	SCMP_SYS(faccessat), SCMP_SYS(faccessat2), SCMP_SYS(fcntl),
	SCMP_SYS(flock), SCMP_SYS(fsync), SCMP_SYS(fdatasync),
	SCMP_SYS(sync_file_range), SCMP_SYS(ftruncate), SCMP_SYS(fallocate),
	SCMP_SYS(fadvise64), SCMP_SYS(unlink), SCMP_SYS(unlinkat),
	SCMP_SYS(rename), SCMP_SYS(renameat), SCMP_SYS(renameat2),
	SCMP_SYS(link), SCMP_SYS(linkat), SCMP_SYS(mkdir), SCMP_SYS(mkdirat),
	SCMP_SYS(rmdir), SCMP_SYS(readlink), SCMP_SYS(readlinkat),
	SCMP_SYS(getdents64), SCMP_SYS(getcwd), SCMP_SYS(umask),
	SCMP_SYS(fchmod), SCMP_SYS(chmod), SCMP_SYS(fchmodat), SCMP_SYS(fchown),
	SCMP_SYS(utimensat), SCMP_SYS(dup), SCMP_SYS(dup2), SCMP_SYS(dup3),
	SCMP_SYS(ioctl), SCMP_SYS(copy_file_range), SCMP_SYS(sendfile),
	SCMP_SYS(getuid), SCMP_SYS(geteuid), SCMP_SYS(getgid),
	SCMP_SYS(getegid), SCMP_SYS(getgroups));

/* No code of ours, or of a library we use, asks for these. */
static const int never[] = CALLS(
	SCMP_SYS(execve), SCMP_SYS(execveat), SCMP_SYS(fork), SCMP_SYS(vfork),
	SCMP_SYS(ptrace), SCMP_SYS(process_vm_readv),
	SCMP_SYS(process_vm_writev), SCMP_SYS(pidfd_getfd), SCMP_SYS(bpf),
	SCMP_SYS(perf_event_open), SCMP_SYS(userfaultfd), SCMP_SYS(mount),
	SCMP_SYS(umount2), SCMP_SYS(pivot_root), SCMP_SYS(chroot),
	SCMP_SYS(setns), SCMP_SYS(unshare), SCMP_SYS(init_module),
	SCMP_SYS(finit_module), SCMP_SYS(delete_module), SCMP_SYS(kexec_load),
	SCMP_SYS(kexec_file_load), SCMP_SYS(reboot), SCMP_SYS(swapon),
	SCMP_SYS(swapoff), SCMP_SYS(settimeofday), SCMP_SYS(clock_settime),
	SCMP_SYS(add_key), SCMP_SYS(request_key), SCMP_SYS(keyctl),
	SCMP_SYS(open_by_handle_at), SCMP_SYS(setuid), SCMP_SYS(setgid),
	SCMP_SYS(setreuid), SCMP_SYS(setregid), SCMP_SYS(setresuid),
	SCMP_SYS(setresgid), SCMP_SYS(setgroups), SCMP_SYS(capset));

static const struct {
	const int *calls;
	size_t n;
	uint32_t action;
} lists[] = {
	{ memory, N(memory), SCMP_ACT_ALLOW },
	{ signals, N(signals), SCMP_ACT_ALLOW },
	{ clocks, N(clocks), SCMP_ACT_ALLOW },
	{ waiting, N(waiting), SCMP_ACT_ALLOW },
	{ network, N(network), SCMP_ACT_ALLOW },
	{ files, N(files), SCMP_ACT_ALLOW },
	{ never, N(never), SCMP_ACT_KILL_PROCESS },
};

/* Names are asked of the system by AF_NETLINK (getifaddrs), the journal and the
 * service manager by AF_UNIX. */
static const int families[] = { AF_UNIX, AF_INET, AF_INET6, AF_NETLINK };

static int add_lists(scmp_filter_ctx filter)
{
	int r = 0;

	for (size_t i = 0; i < N(lists); i++) {
		for (size_t k = 0; !r && k < lists[i].n; k++)
			r = seccomp_rule_add(filter, lists[i].action,
					     lists[i].calls[k], 0);
	}
	return r;
}

static int add_families(scmp_filter_ctx filter)
{
	int r = 0;

	for (size_t i = 0; !r && i < N(families); i++)
		r = seccomp_rule_add(
			filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1,
			SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)families[i], 0));
	return r;
}

/*
 * Memory is written or executed, never both: libraries that are loaded late
 * (iconv's character sets) are mapped from their files. clone3(2) hides its
 * flags from a filter; ENOSYS makes the C library use clone(2), for threads.
 */
static int add_conditions(scmp_filter_ctx filter)
{
	const scmp_datum_t both = PROT_WRITE | PROT_EXEC;
	int r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
				 SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));

	if (!r)
		r = seccomp_rule_add(
			filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
			SCMP_A2(SCMP_CMP_MASKED_EQ, both, PROT_EXEC));
	if (!r)
		r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect),
				     1,
				     SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	if (!r)
		r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
				     SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD,
					     CLONE_THREAD));
	return r;
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || \
	defined(FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif

/* LeakSanitizer looks at its own process with ptrace(2). */
static bool is_possible(void)
{
#ifdef SANITIZED
	return false;
#else
	return seccomp_api_get() >= 2; /* filters for all threads at once */
#endif
}

int sandbox_enter(void)
{
	int r;

	if (!is_possible())
		return -ENOTSUP;
	AUTO(seccomp_releasep)
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));

	if (!filter)
		return -ENOMEM;
	r = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
	/* A tree of numbers rather than a chain: the packet path pays for it.
	 */
	if (!r)
		r = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (!r)
		r = add_lists(filter);
	if (!r)
		r = add_families(filter);
	if (!r)
		r = add_conditions(filter);
	return r ? r : seccomp_load(filter);
}
