/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/base/log.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "gateway/base/clock.h"

enum { LINE_CAP = 4096 };

static _Atomic int log_fd = STDERR_FILENO;
static _Atomic int log_level_now = LOG_LEVEL_INFO;
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

void log_line(enum log_level level, const char *fmt, ...)
{
	if (!log_on(level))
		return;

	char line[LINE_CAP];
	int saved_errno = errno;
	int fd = atomic_load(&log_fd);
	size_t n = (size_t)line_head(line, sizeof(line), level, fd);

	va_list ap;
	va_start(ap, fmt);
	int body = vsnprintf(line + n, sizeof(line) - n - 1, fmt, ap);
	va_end(ap);

	if (body > 0)
		n += (size_t)body < sizeof(line) - n - 1 ? (size_t)body
							 : sizeof(line) - n - 2;
	line[n++] = '\n';
	if (write(fd, line, n) < 0)
		atomic_fetch_add(&dropped, 1);
	errno = saved_errno;
}

struct log_text log_text(struct slice s)
{
	struct log_text out;
	size_t at = 0;

	out.s[at++] = '"';
	for (size_t i = 0; i < s.n && at < LOG_TEXT_CAP - 6; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c < 0x20 || c == 0x7f || c == '"' || c == '\\')
			at += (size_t)snprintf(out.s + at, 5, "\\x%02x", c);
		else
			out.s[at++] = (char)c;
	}
	out.s[at++] = '"';
	out.s[at] = '\0';
	return out;
}
