/* SPDX-License-Identifier: GPL-2.0 */
/*
 * vserctl - what a long run is at; on a terminal only
 */
#ifndef PROGRESS_H
#define PROGRESS_H

#include <stddef.h>

/* Say that of @total steps @done are done, and @what is next. */
void progress(size_t done, size_t total, const char *what);

/* Wipe it away. To be called before anything else is printed. */
void progress_end(void);

#endif /* PROGRESS_H */
