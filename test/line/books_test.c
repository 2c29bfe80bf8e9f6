// SPDX-License-Identifier: GPL-2.0
/*
 * Everything at once, on several lines that are wired to each other and to
 * something else all the time: when it is over, every byte is accounted for,
 * and nobody waits for ever.
 */
#include "crowd.h"

#define LINES	4
#define SECONDS	4

FRESH_LINES(LINES)

TEST_WITHIN(everything, 60, "everything at once: no byte unaccounted for, nobody hangs")
{
	crowd_start(LINES, SECONDS, 1);
	crowd_wait();
	crowd_check_books();
}
