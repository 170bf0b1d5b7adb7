/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "media/lock.h"

int lock_init(pthread_mutex_t *lock)
{
	pthread_mutexattr_t attr;

	int r = pthread_mutexattr_init(&attr);
	if (r)
		return -r;
	r = pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT);
	if (!r)
		r = pthread_mutex_init(lock, &attr);
	pthread_mutexattr_destroy(&attr);
	return -r;
}
