/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Preloaded into a process: while it takes calls up, which begins with reading
 * the session table and ends with the event loop, one allocation of the
 * program's own code on that thread is refused, the one behind FAULT_ALLOCATION
 * others. Libraries always get what they ask for. A line says whether there
 * was one.
 */
#include <dlfcn.h>
#include <errno.h>
#include <event2/event.h>
#include <link.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);

static __thread __attribute__((tls_model("initial-exec"))) bool counting;
static uintptr_t program, program_end; /* its code */
static long left = -1;                 /* -1: none is refused any more */

static int note_program(struct dl_phdr_info *info, size_t size, void *arg)
{
	(void)size;
	(void)arg;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *part = &info->dlpi_phdr[i];

		if (part->p_type != PT_LOAD || !(part->p_flags & PF_X))
			continue;
		program = info->dlpi_addr + part->p_vaddr;
		program_end = program + part->p_memsz;
	}
	return 1; /* it comes first */
}

__attribute__((constructor)) static void begin(void)
{
	const char *which = getenv("FAULT_ALLOCATION");

	dl_iterate_phdr(note_program, NULL);
	if (which)
		left = atol(which);
}

static void say(const char *line)
{
	(void)!write(STDERR_FILENO, line, strlen(line));
}

static bool is_refused(const void *caller)
{
	uintptr_t at = (uintptr_t)caller;

	if (!counting || left < 0 || at < program || at >= program_end)
		return false;
	if (left--)
		return false;
	say("fault=allocation result=refused\n");
	errno = ENOMEM;
	return true;
}

void *malloc(size_t n)
{
	return is_refused(__builtin_return_address(0)) ? NULL
						       : __libc_malloc(n);
}

void *calloc(size_t n, size_t size)
{
	return is_refused(__builtin_return_address(0)) ? NULL
						       : __libc_calloc(n, size);
}

void *realloc(void *p, size_t n)
{
	return is_refused(__builtin_return_address(0)) ? NULL
						       : __libc_realloc(p, n);
}

int sqlite3_prepare_v2(sqlite3 *db, const char *sql, int n, sqlite3_stmt **out,
		       const char **tail)
{
	int (*prepare)(sqlite3 *, const char *, int, sqlite3_stmt **,
		       const char **) = dlsym(RTLD_NEXT, "sqlite3_prepare_v2");

	if (strstr(sql, " FROM session "))
		counting = true;
	return prepare(db, sql, n, out, tail);
}

int event_base_loop(struct event_base *base, int flags)
{
	int (*loop)(struct event_base *, int) =
		dlsym(RTLD_NEXT, "event_base_loop");

	if (counting && left >= 0)
		say("fault=allocation result=not-needed\n");
	counting = false;
	return loop(base, flags);
}
