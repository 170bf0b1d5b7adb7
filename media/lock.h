/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The locks between the main thread and workers. A worker of real-time priority
 * that waits for one lends that priority to the main thread, which other
 * programs might keep from giving it back.
 */
#pragma once

#include <pthread.h>

#include "gateway/base/err.h"

/* 0 or -errno; pthread_mutex_destroy() ends it. */
CHECKED int lock_init(pthread_mutex_t *lock);
