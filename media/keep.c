/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Slots in a mapped file; see the header. */
#include "media/keep.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <unistd.h>

#include "gateway/base/log.h"
#include "gateway/base/text.h"

enum {
	HEAD_LEN = 4096, /* the slots begin on a page */
	KEEP_LAYOUT = 1, /* raised when the meaning of a field changes */
	BOOT_ID_CAP = 64,
	SLOT_ALIGN = 64,
	STRIDE = (sizeof(struct keep_slot) + SLOT_ALIGN - 1) / SLOT_ALIGN *
		 SLOT_ALIGN,
	FILE_MODE = 0600,
};
static const char MAGIC[8] = "tdmkeep";

struct keep_head {
	char magic[sizeof(MAGIC)];
	uint32_t layout;
	uint32_t stride;
	char boot_id[BOOT_ID_CAP]; /* of the kernel */
};

/* Behind the head: processes that began with this file and did not say that
 * they live well. */
enum { STARTS_AT = 256, STARTS_MAX = 3 };

struct keep {
	int fd; /* -1: memory alone */
	uint8_t *base;
	size_t nslots;   /* whose memory is there */
	uint32_t *spare; /* numbers of free slots */
	size_t nspare;
	bool full;    /* said so */
	bool *before; /* by number: of an earlier process, not found yet */
};

static struct keep_slot *slot_at(const struct keep *keep, size_t i)
{
	return (struct keep_slot *)(void *)(keep->base + HEAD_LEN + i * STRIDE);
}

static size_t number_of(const struct keep *keep, const struct keep_slot *slot)
{
	return ((size_t)((const uint8_t *)slot - keep->base) - HEAD_LEN) /
	       STRIDE;
}

/* Room for @n slots; without it a store into them would be SIGBUS. */
static int reserve(struct keep *keep, size_t n)
{
	off_t len = (off_t)(HEAD_LEN + n * STRIDE);
	int r = keep->fd < 0 ? 0 : posix_fallocate(keep->fd, 0, len);

	if (!r)
		keep->nslots = n;
	return -r;
}

static void fill_head(struct keep_head *head)
{
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);

	*head = (struct keep_head){ .layout = KEEP_LAYOUT, .stride = STRIDE };
	memcpy(head->magic, MAGIC, sizeof(head->magic));
	if (fd < 0)
		return;
	ssize_t n = read(fd, head->boot_id, sizeof(head->boot_id) - 1);
	if (n > 0 && head->boot_id[n - 1] == '\n')
		head->boot_id[n - 1] = '\0';
	close(fd);
}

/* How many slots of a file that is ours there are; 0: none, or not ours: when
 * this boot cannot be told from others, either. */
static size_t slots_before(const struct keep *keep,
			   const struct keep_head *mine)
{
	struct keep_head head;
	off_t end = lseek(keep->fd, 0, SEEK_END);

	if (end < HEAD_LEN || !*mine->boot_id ||
	    pread(keep->fd, &head, sizeof(head), 0) != sizeof(head) ||
	    memcmp(&head, mine, sizeof(head)) != 0)
		return 0;
	size_t n = ((size_t)end - HEAD_LEN) / STRIDE;
	return n < KEEP_MAX_SLOTS ? n : KEEP_MAX_SLOTS;
}

/* Whether these calls have ended processes that took them up, one after the
 * other. */
static bool is_deadly(const struct keep *keep)
{
	uint32_t starts = 0;

	if (pread(keep->fd, &starts, sizeof(starts), STARTS_AT) !=
	    sizeof(starts))
		starts = 0;
	starts++;
	if (pwrite(keep->fd, &starts, sizeof(starts), STARTS_AT) !=
	    sizeof(starts))
		return false;
	return starts > STARTS_MAX;
}

void keep_is_well(struct keep *keep)
{
	memset(keep->base + STARTS_AT, 0, sizeof(uint32_t));
}

/* Whole pages that were never written are not there yet. */
static int open_file(struct keep *keep, const char *path, size_t *before)
{
	struct keep_head head;

	keep->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW,
			FILE_MODE);
	if (keep->fd < 0)
		return -errno;
	if (flock(keep->fd, LOCK_EX | LOCK_NB))
		return errno == EWOULDBLOCK ? -EBUSY : -errno;
	fill_head(&head);
	*before = slots_before(keep, &head);
	if (*before && is_deadly(keep)) {
		log_error("event=keep result=given-up: processes have died "
			  "with these calls; they are ended");
		*before = 0;
	}
	if (!*before && ftruncate(keep->fd, 0))
		return -errno;
	int r = reserve(keep, *before);
	if (!r && pwrite(keep->fd, &head, sizeof(head), 0) != sizeof(head))
		r = -EIO;
	return r;
}

static int map(struct keep *keep)
{
	size_t len = HEAD_LEN + (size_t)KEEP_MAX_SLOTS * STRIDE;
	int how = keep->fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED;
	void *base = mmap(NULL, len, PROT_READ | PROT_WRITE,
			  how | MAP_NORESERVE, keep->fd, 0);

	if (base == MAP_FAILED)
		return -errno;
	keep->base = base;
	return 0;
}

static void sort_slots(struct keep *keep)
{
	for (size_t i = keep->nslots; i-- > 0;) {
		keep->before[i] = *slot_at(keep, i)->name;
		if (!keep->before[i])
			keep->spare[keep->nspare++] = (uint32_t)i;
	}
}

int keep_open(struct keep **out, const char *path)
{
	struct keep *keep = calloc(1, sizeof(*keep));
	size_t before = 0;
	int r = 0;

	if (!keep)
		return -ENOMEM;
	keep->fd = -1;
	keep->spare = calloc(KEEP_MAX_SLOTS, sizeof(keep->spare[0]));
	keep->before = calloc(KEEP_MAX_SLOTS, sizeof(keep->before[0]));
	if (!keep->spare || !keep->before)
		r = -ENOMEM;
	if (!r && path)
		r = open_file(keep, path, &before);
	if (!r)
		r = map(keep);
	if (r) {
		keep_close(keep);
		return r;
	}
	sort_slots(keep);
	/* Only calls are to blame: a start without any is none of theirs. */
	if (!keep_has_before(keep))
		keep_is_well(keep);
	*out = keep;
	return 0;
}

struct keep *keep_close(struct keep *keep)
{
	if (!keep)
		return NULL;
	if (keep->base)
		munmap(keep->base, HEAD_LEN + (size_t)KEEP_MAX_SLOTS * STRIDE);
	if (keep->fd >= 0)
		close(keep->fd);
	free(keep->spare);
	free(keep->before);
	free(keep);
	return NULL;
}

static int grow(struct keep *keep)
{
	size_t first = keep->nslots;
	size_t n = first + KEEP_GROW;

	if (n > KEEP_MAX_SLOTS)
		return -ENOSPC;
	int r = reserve(keep, n);
	if (r)
		return r;
	while (n-- > first)
		keep->spare[keep->nspare++] = (uint32_t)n;
	return 0;
}

/* The next one of the file; NULL: it takes no more. */
static struct keep_slot *next_slot(struct keep *keep)
{
	int r = keep->nspare ? 0 : grow(keep);

	if (r && !keep->full)
		log_warn("event=keep slots=%zu errno=%d: a crash would end the "
			 "calls that come now",
			 keep->nslots, -r);
	keep->full = r != 0;
	return r ? NULL : slot_at(keep, keep->spare[--keep->nspare]);
}

int keep_take(struct keep *keep, struct keep_slot **out, const char *name)
{
	struct keep_slot *slot = keep ? next_slot(keep) : NULL;

	if (!slot)
		slot = calloc(1, sizeof(*slot));
	if (!slot)
		return -ENOMEM;
	memset(slot, 0, sizeof(*slot));
	if (!*name || text_set(slot->name, sizeof(slot->name), name)) {
		keep_give(keep, slot);
		return -ENAMETOOLONG;
	}
	*out = slot;
	return 0;
}

static bool is_in_file(const struct keep *keep, const struct keep_slot *slot)
{
	const uint8_t *p = (const uint8_t *)slot;

	return keep && p >= keep->base &&
	       p < keep->base + HEAD_LEN + (size_t)KEEP_MAX_SLOTS * STRIDE;
}

bool keep_has_before(const struct keep *keep)
{
	for (size_t i = 0; i < keep->nslots; i++)
		if (keep->before[i])
			return true;
	return false;
}

struct keep_slot *keep_find(struct keep *keep, const char *name)
{
	for (size_t i = 0; i < keep->nslots; i++) {
		struct keep_slot *slot = slot_at(keep, i);

		if (keep->before[i] &&
		    !strncmp(slot->name, name, sizeof(slot->name))) {
			keep->before[i] = false;
			return slot;
		}
	}
	return NULL;
}

void keep_give(struct keep *keep, struct keep_slot *slot)
{
	if (!slot)
		return;
	memset(slot, 0, sizeof(*slot));
	if (is_in_file(keep, slot))
		keep->spare[keep->nspare++] = (uint32_t)number_of(keep, slot);
	else
		free(slot);
}

size_t keep_forget(struct keep *keep)
{
	size_t n = 0;

	for (size_t i = 0; i < keep->nslots; i++) {
		if (!keep->before[i])
			continue;
		keep->before[i] = false;
		keep_give(keep, slot_at(keep, i));
		n++;
	}
	return n;
}
