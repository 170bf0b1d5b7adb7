/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/base/log.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway/base/clock.h"
#include "gateway/base/log_json.h"
#include "gateway/base/text.h"

/* A line with its end: what a pipe takes whole or not at all (pipe(7)). */
enum { LINE_CAP = PIPE_BUF };

/* From the first log_open() on a number of our own, which stays: another thread
 * may be about to write to it. */
static _Atomic int log_fd = STDERR_FILENO;
static _Atomic bool log_has_prefix = true;
static _Atomic int log_level_now = LOG_LEVEL_INFO;
static _Atomic bool log_as_json;
static _Atomic unsigned long dropped;
static _Atomic unsigned long untold; /* of them */
static _Atomic int lost_errno;
static _Atomic bool torn; /* the last line has no end */

static const struct {
	const char *name;
	enum log_level level;
} levels[] = {
	{ "error", LOG_LEVEL_ERROR },
	{ "warn", LOG_LEVEL_WARN },
	{ "info", LOG_LEVEL_INFO },
	{ "debug", LOG_LEVEL_DEBUG },
};

const char *log_level_name(enum log_level level)
{
	size_t i = 0;

	while (levels[i].level != level)
		i++;
	return levels[i].name;
}

enum log_level log_level(void)
{
	return (enum log_level)log_level_now;
}

int log_level_parse(const char *name, enum log_level *out)
{
	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
		if (!strcmp(levels[i].name, name)) {
			*out = levels[i].level;
			return 0;
		}
	}
	return -EINVAL;
}

/*
 * Who reads us may have stopped (a journal that hangs, a pipe to nobody), and
 * the log must not stop us. A socket is told so with each write. A pipe or a
 * terminal is opened anew, for O_NONBLOCK: the descriptor that we were given is
 * shared with others, whom that would surprise. Where it may not be opened (it
 * is another user's) it is shared all the same, and asked before each write.
 */
static int open_stderr(void)
{
	struct stat st;
	int fd = -1;

	if (!fstat(STDERR_FILENO, &st) &&
	    (S_ISFIFO(st.st_mode) || isatty(STDERR_FILENO)))
		fd = open("/proc/self/fd/2",
			  O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	return fd < 0 ? fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO)
		      : fd;
}

/* A file may be a FIFO: it is not waited for either. */
static int open_file(const char *path)
{
	return open(path,
		    O_WRONLY | O_CREAT | O_APPEND | O_NONBLOCK | O_NOCTTY |
			    O_CLOEXEC,
		    0640);
}

/* In the place of what is written to now. 0 or -errno; @fd is used up. */
static int take_place(int fd)
{
	int now = atomic_load(&log_fd);
	int r = 0;

	if (now == STDERR_FILENO) {
		atomic_store(&log_fd, fd);
		return 0;
	}
	if (dup3(fd, now, O_CLOEXEC) < 0)
		r = -errno;
	close(fd);
	return r;
}

int log_open(const char *path, enum log_level level)
{
	bool is_file = path && *path;
	int fd = is_file ? open_file(path) : open_stderr();
	int r = fd < 0 ? -errno : take_place(fd);

	if (r)
		return r;
	atomic_store(&log_has_prefix, !is_file);
	log_set_level(level);
	return 0;
}

void log_set_level(enum log_level level)
{
	atomic_store(&log_level_now, (int)level);
}

void log_set_json(bool on)
{
	atomic_store(&log_as_json, on);
}

bool log_on(enum log_level level)
{
	return (int)level <=
	       atomic_load_explicit(&log_level_now, memory_order_relaxed);
}

unsigned long log_dropped(void)
{
	return atomic_load(&dropped);
}

/*
 * systemd reads the priority prefix from stderr and adds the time itself; a
 * file wants the time and no prefix.
 */
static int line_head(char *line, size_t cap, enum log_level level)
{
	if (atomic_load_explicit(&log_has_prefix, memory_order_relaxed))
		return snprintf(line, cap, "<%d>", (int)level);

	time_t now = (time_t)(clock_wall_ms() / 1000);
	struct tm tm;
	gmtime_r(&now, &tm);
	return (int)strftime(line, cap, "%Y-%m-%dT%H:%M:%SZ ", &tm);
}

/* A pipe that is writable takes PIPE_BUF octets. */
static bool takes(int fd)
{
	struct pollfd pollfd = { .fd = fd, .events = POLLOUT };

	return poll(&pollfd, 1, 0) > 0 && pollfd.revents & POLLOUT;
}

static ssize_t write_at_once(const char *p, size_t n)
{
	int fd = atomic_load(&log_fd);
	ssize_t sent = send(fd, p, n, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (sent < 0 && errno == ENOTSOCK) {
		errno = EAGAIN;
		sent = takes(fd) ? write(fd, p, n) : -1;
	}
	if (sent < 0)
		atomic_store(&lost_errno, errno);
	return sent;
}

/* At once, so that lines of several threads do not mix; @line has room for one
 * more. False: not all of it was written. */
static bool write_line(char *line, size_t n)
{
	line[n++] = '\n';
	ssize_t sent = write_at_once(line, n);
	if (sent == (ssize_t)n)
		return true;
	/* The last octets of a disk: it takes some, and does not say why. */
	if (sent >= 0)
		atomic_store(&lost_errno, ENOSPC);
	if (sent > 0)
		atomic_store(&torn, true);
	return false;
}

/* What is too long with its escapes loses its end, and says how much. */
static bool write_json(enum log_level level, struct slice line)
{
	char json[LINE_CAP], part[LINE_CAP];
	int64_t now_ms = clock_wall_ms();
	size_t most = line.n;
	size_t n = log_json_format(json, sizeof(json) - 1, level, now_ms, line);

	while (!n) {
		most = most / 4 * 3;
		int len = snprintf(part, sizeof(part), "cut=%zu %.*s",
				   line.n - most, (int)most, line.p);
		n = log_json_format(json, sizeof(json) - 1, level, now_ms,
				    (struct slice){ part, (size_t)len });
	}
	return write_line(json, n);
}

/* Whether it is written, whole. */
PRINTF(2, 0)
static bool put_line(enum log_level level, const char *fmt, va_list ap)
{
	char line[LINE_CAP];
	bool json = atomic_load_explicit(&log_as_json, memory_order_relaxed);
	size_t n = json ? 0 : (size_t)line_head(line, sizeof(line), level);
	int body = vsnprintf(line + n, sizeof(line) - n - 1, fmt, ap);

	if (body > 0)
		n += (size_t)body < sizeof(line) - n - 1 ? (size_t)body
							 : sizeof(line) - n - 2;
	return json ? write_json(level, (struct slice){ line, n })
		    : write_line(line, n);
}

PRINTF(2, 3)
static bool put_format(enum log_level level, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	bool put = put_line(level, fmt, ap);
	va_end(ap);
	return put;
}

static bool end_torn(void)
{
	if (!atomic_load(&torn))
		return true;
	bool ended = write_at_once("\n", 1) == 1;
	if (ended)
		atomic_store(&torn, false);
	return ended;
}

/* What a log has not is said where it would stand. False: not yet. */
static bool tell_gap(void)
{
	if (!atomic_load_explicit(&untold, memory_order_relaxed))
		return true;
	unsigned long lines = atomic_exchange(&untold, 0);
	bool told = !lines ||
		    (end_torn() &&
		     put_format(LOG_LEVEL_WARN,
				"log=gap lines=%lu (%s): they could not be "
				"written, and are in no log",
				lines, strerror(atomic_load(&lost_errno))));
	if (!told)
		atomic_fetch_add(&untold, lines);
	return told;
}

void log_line(enum log_level level, const char *fmt, ...)
{
	if (!log_on(level))
		return;

	int saved_errno = errno;
	va_list ap;

	va_start(ap, fmt);
	if (!tell_gap() || !put_line(level, fmt, ap)) {
		atomic_fetch_add(&dropped, 1);
		atomic_fetch_add(&untold, 1);
	}
	va_end(ap);
	errno = saved_errno;
}

/* @n octets as \xNN; false: they do not fit any more. */
static bool put_escaped(struct log_text *out, size_t *at, const char *p,
			size_t n)
{
	enum { ESCAPED_LEN = 4, QUOTE_LEN = 2 };

	if (*at + n * ESCAPED_LEN > LOG_TEXT_CAP - QUOTE_LEN)
		return false;
	for (size_t i = 0; i < n; i++)
		*at += (size_t)snprintf(out->s + *at, ESCAPED_LEN + 1,
					"\\x%02x", (unsigned char)p[i]);
	return true;
}

static bool put_plain(struct log_text *out, size_t *at, const char *p, size_t n)
{
	if (*at + n > LOG_TEXT_CAP - 2)
		return false;
	memcpy(out->s + *at, p, n);
	*at += n;
	return true;
}

struct log_text log_text(struct slice s)
{
	struct log_text out;
	size_t at = 0;
	bool fits = true;

	out.s[at++] = '"';
	while (s.n && fits) {
		uint32_t c = 0;
		size_t n = text_utf8(s, &c);
		bool plain = n && text_is_fit(c) && c != '"' && c != '\\';
		if (!n)
			n = 1;
		fits = plain ? put_plain(&out, &at, s.p, n)
			     : put_escaped(&out, &at, s.p, n);
		s.p += n;
		s.n -= n;
	}
	out.s[at++] = '"';
	out.s[at] = '\0';
	return out;
}
