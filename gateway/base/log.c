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
#include <unistd.h>

#include "gateway/base/clock.h"
#include "gateway/base/log_json.h"
#include "gateway/base/text.h"

enum { LINE_CAP = 4096 };

static _Atomic int log_fd = STDERR_FILENO;
static _Atomic int log_level_now = LOG_LEVEL_INFO;
static _Atomic bool log_as_json;
static _Atomic unsigned long dropped;

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

int log_open(const char *path, enum log_level level)
{
	int fd = STDERR_FILENO;

	if (path && *path) {
		fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC,
			  0640);
		if (fd < 0)
			return -errno;
	}
	int old = atomic_exchange(&log_fd, fd);
	if (old != STDERR_FILENO)
		close(old);
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
static int line_head(char *line, size_t cap, enum log_level level, int fd)
{
	if (fd == STDERR_FILENO)
		return snprintf(line, cap, "<%d>", (int)level);

	time_t now = (time_t)(clock_wall_ms() / 1000);
	struct tm tm;
	gmtime_r(&now, &tm);
	return (int)strftime(line, cap, "%Y-%m-%dT%H:%M:%SZ ", &tm);
}

/*
 * Who reads us may have stopped (a journal that hangs, a pipe to nobody), and
 * the log must not stop us. The descriptor is shared with others, who would be
 * surprised by O_NONBLOCK. A pipe that is writable takes PIPE_BUF octets, and a
 * socket says itself that it is full.
 */
static bool takes(int fd)
{
	struct pollfd pollfd = { .fd = fd, .events = POLLOUT };

	return poll(&pollfd, 1, 0) > 0 && pollfd.revents & POLLOUT;
}

static bool write_some(int fd, const char *p, size_t n)
{
	ssize_t sent = send(fd, p, n, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (sent < 0 && errno == ENOTSOCK)
		sent = takes(fd) ? write(fd, p, n) : -1;
	return sent == (ssize_t)n;
}

/* @line has room for one more. */
static void write_line(int fd, char *line, size_t n)
{
	line[n++] = '\n';
	while (n) {
		size_t some = n < PIPE_BUF ? n : PIPE_BUF;

		if (!write_some(fd, line, some)) {
			atomic_fetch_add(&dropped, 1);
			return;
		}
		line += some;
		n -= some;
	}
}

static void write_json(int fd, enum log_level level, struct slice line)
{
	char json[LOG_JSON_CAP(LINE_CAP) + 1];
	size_t n = log_json_format(json, sizeof(json) - 1, level,
				   clock_wall_ms(), line);

	write_line(fd, json, n);
}

void log_line(enum log_level level, const char *fmt, ...)
{
	if (!log_on(level))
		return;

	char line[LINE_CAP];
	int saved_errno = errno;
	int fd = atomic_load(&log_fd);
	bool json = atomic_load_explicit(&log_as_json, memory_order_relaxed);
	size_t n = json ? 0 : (size_t)line_head(line, sizeof(line), level, fd);

	va_list ap;
	va_start(ap, fmt);
	int body = vsnprintf(line + n, sizeof(line) - n - 1, fmt, ap);
	va_end(ap);

	if (body > 0)
		n += (size_t)body < sizeof(line) - n - 1 ? (size_t)body
							 : sizeof(line) - n - 2;
	if (json)
		write_json(fd, level, (struct slice){ line, n });
	else
		write_line(fd, line, n);
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
