/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "tests/bench/load/process.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gateway/base/clock.h"
#include "tests/bench/load/die.h"

enum { FILES_MAX = 65536, PATH_CAP = 64, STOP_MS = 10000 };

/* Of the generator's priority the relay has the nice value. */
static void become(const char *const *argv, int core, const char *log,
		   const int in[2], const int out[2], pid_t parent)
{
	const struct sched_param usual = { 0 };
	cpu_set_t cpus;
	int fd = open(log, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	union {
		const char *const *in;
		char *const *out;
	} args = { .in = argv };

	CPU_ZERO(&cpus);
	CPU_SET(core, &cpus);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent || fd < 0 || dup2(fd, STDERR_FILENO) < 0 ||
	    sched_setaffinity(0, sizeof(cpus), &cpus) ||
	    sched_setscheduler(0, SCHED_OTHER, &usual))
		_exit(127);
	dup2(in ? in[0] : fd, STDIN_FILENO);
	dup2(out ? out[1] : fd, STDOUT_FILENO);
	closefrom(STDERR_FILENO + 1);
	execvp(argv[0], args.out);
	_exit(127);
}

void process_start(struct process *process, const char *const *argv, int core,
		   const char *log, bool pipes)
{
	struct rlimit files = { FILES_MAX, FILES_MAX };
	int in[2], out[2];
	pid_t parent = getpid();

	setrlimit(RLIMIT_NOFILE, &files);
	if (pipes && (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC)))
		DIE("load: no pipe");
	*process = (struct process){ .core = core, .in = -1, .out = -1 };
	process->pid = fork();
	if (process->pid < 0)
		DIE("load: cannot fork");
	if (!process->pid)
		become(argv, core, log, pipes ? in : NULL, pipes ? out : NULL,
		       parent);
	if (pipes) {
		close(in[0]);
		close(out[1]);
		process->in = in[1];
		process->out = out[0];
	}
}

void process_stop(struct process *process)
{
	uint64_t end_ms = clock_ms() + STOP_MS;

	if (!process->pid)
		return;
	kill(process->pid, SIGTERM);
	while (!waitpid(process->pid, NULL, WNOHANG)) {
		if (clock_ms() > end_ms)
			kill(process->pid, SIGKILL);
		usleep(10000);
	}
	process->pid = 0;
}

void process_kill(struct process *process)
{
	kill(process->pid, SIGKILL);
	waitpid(process->pid, NULL, 0);
	process->pid = 0;
}

/* A file of /proc, of the process @pid unless that is 0; NULL: not there. */
static FILE *open_proc(pid_t pid, const char *rest)
{
	char path[PATH_CAP + NAME_MAX];

	if (pid)
		snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, rest);
	else
		snprintf(path, sizeof(path), "/proc/%s", rest);
	return fopen(path, "re");
}

static uint64_t cpu_of_thread(pid_t pid, const char *thread)
{
	char rest[PATH_CAP + NAME_MAX];
	uint64_t ns = 0;

	snprintf(rest, sizeof(rest), "task/%s/schedstat", thread);
	FILE *f = open_proc(pid, rest);
	if (!f)
		return 0; /* it has just ended */
	if (fscanf(f, "%" SCNu64, &ns) != 1)
		ns = 0;
	fclose(f);
	return ns;
}

static uint64_t cpu_ns(pid_t pid)
{
	char path[PATH_CAP];
	struct dirent *entry;
	uint64_t ns = 0;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	DIR *dir = opendir(path);
	if (!dir)
		DIE("load: the relay has ended; see its log");
	while ((entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			ns += cpu_of_thread(pid, entry->d_name);
	closedir(dir);
	return ns;
}

static uint64_t rss_kib(pid_t pid)
{
	char line[256];
	uint64_t kib = 0;
	FILE *f = open_proc(pid, "status");

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "VmRSS: %" SCNu64, &kib) == 1)
			break;
	if (f)
		fclose(f);
	return kib;
}

static void core_usage(int core, struct usage *out)
{
	/* user, nice, system, idle, iowait, irq, softirq, steal */
	uint64_t v[8] = { 0 },
		 tick_us = 1000000 / (uint64_t)sysconf(_SC_CLK_TCK);
	char line[512], name[16];
	FILE *f = open_proc(0, "stat");

	while (f && fgets(line, sizeof(line), f)) {
		int r = sscanf(line,
			       "%15s %" SCNu64 " %" SCNu64 " %" SCNu64
			       " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64
			       " %" SCNu64,
			       name, &v[0], &v[1], &v[2], &v[3], &v[4], &v[5],
			       &v[6], &v[7]);
		char due[16];

		snprintf(due, sizeof(due), "cpu%d", core);
		if (r == 9 && !strcmp(name, due))
			break;
	}
	if (f)
		fclose(f);
	out->irq_us = (v[5] + v[6]) * tick_us;
	out->busy_us = (v[0] + v[1] + v[2] + v[5] + v[6]) * tick_us;
}

static uint64_t own_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000u + (uint64_t)ts.tv_nsec / 1000u;
}

void process_usage(const struct process *process, struct usage *out)
{
	*out = (struct usage){ .at_us = clock_us() };
	out->cpu_ns = cpu_ns(process->pid);
	out->rss_kib = rss_kib(process->pid);
	out->own_us = own_us();
	core_usage(process->core, out);
}
