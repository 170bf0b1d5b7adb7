/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "media/notice.h"

#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "media/lock.h"

int notices_init(struct notices *notices)
{
	memset(notices, 0, sizeof(*notices));
	STAILQ_INIT(&notices->list);
	notices->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (notices->fd < 0)
		return -errno;

	int r = lock_init(&notices->lock);
	if (r) {
		close(notices->fd);
		notices->fd = -1;
	}
	return r;
}

void notices_fini(struct notices *notices)
{
	close(notices->fd);
	pthread_mutex_destroy(&notices->lock);
}

/* The counter of an eventfd is never full with so few writers. */
static void wake(const struct notices *notices)
{
	uint64_t one = 1;

	while (write(notices->fd, &one, sizeof(one)) < 0 && errno == EINTR)
		continue;
}

void notice_begin(struct notices *notices)
{
	pthread_mutex_lock(&notices->lock);
}

void notice_end(struct notices *notices, struct notice *notice)
{
	bool first = !notice->queued;

	if (first) {
		notice->queued = true;
		STAILQ_INSERT_TAIL(&notices->list, notice, next);
	}
	pthread_mutex_unlock(&notices->lock);
	if (first)
		wake(notices);
}

void notice_stun(struct notices *notices, const struct notice_stun *stun)
{
	pthread_mutex_lock(&notices->lock);
	if (notices->nstun < NOTICE_STUN_QUEUE)
		notices->stun[notices->nstun++] = *stun;
	pthread_mutex_unlock(&notices->lock);
	wake(notices);
}

void notices_clear(struct notices *notices)
{
	uint64_t count;

	while (read(notices->fd, &count, sizeof(count)) < 0 && errno == EINTR)
		continue;
}

bool notices_take(struct notices *notices, struct notice *out)
{
	pthread_mutex_lock(&notices->lock);
	struct notice *n = STAILQ_FIRST(&notices->list);
	if (n) {
		STAILQ_REMOVE_HEAD(&notices->list, next);
		*out = *n;
		memset(n->sides, 0, sizeof(n->sides));
		n->queued = false;
	}
	pthread_mutex_unlock(&notices->lock);
	return n != NULL;
}

bool notices_take_stun(struct notices *notices, struct notice_stun *out)
{
	bool any;

	pthread_mutex_lock(&notices->lock);
	any = notices->nstun > 0;
	if (any)
		*out = notices->stun[--notices->nstun];
	pthread_mutex_unlock(&notices->lock);
	return any;
}
