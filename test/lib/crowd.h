/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A crowd: processes that do to lines whatever can be done, interrupted by
 * signals all the time, while others set the lines anew and wire them to each
 * other and to something else.
 */
#ifndef CROWD_H
#define CROWD_H

#include "wire.h"

#define CROWD_LINES	16	/* at most */
#define CROWD_USERS	2	/* of each line */

/*
 * Starts it on the first @lines lines, which at first are unpaced and wired in
 * pairs; what it does depends on @seed.
 */
void crowd_start(unsigned int lines, unsigned int seconds, unsigned int seed);

/* Waits until it is gone, and lets go into nothing what is still queued. */
void crowd_wait(void);

/* Every byte since the lines were made is accounted for. */
void crowd_check_books(void);

#endif /* CROWD_H */
