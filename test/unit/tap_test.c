// SPDX-License-Identifier: GPL-2.0
/* The harness itself: how long it lets a test run. */
#include "tap.h"

/*
 * Before any test runs, as it is the parent of the tests that measures: to it, each
 * machine is a slow one, whatever else that has to do.
 */
__attribute__((constructor)) static void look_slow(void)
{
	tap_burst_ns = 1000;
}

TEST(patience, "a limit is longer than what a test says that it needs")
{
	CHECK(tap_slow(1) > 1);
	CHECK(tap_slow(20) >= 20 * tap_slow(1));
}

TEST(slow, "and grows on a machine that is slow, but has an end")
{
	unsigned int at_rest = tap_slow(100);

	WAIT_UNTIL(tap_slow(100) > at_rest);
	CHECK(tap_slow(100) <= 100 * at_rest);
}
