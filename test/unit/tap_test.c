// SPDX-License-Identifier: GPL-2.0
/* The harness itself: how long it lets a test run. */
#define _GNU_SOURCE

#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "tap.h"

#define LOOPS_PER_CPU	8

/* Until this process ends, however it does. */
static void keep_all_busy(void)
{
	int n = LOOPS_PER_CPU * (int)sysconf(_SC_NPROCESSORS_ONLN);
	pid_t test = getpid();

	while (n--) {
		if (fork())
			continue;
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != test)
			_exit(0);
		while (true)
			;
	}
}

TEST(patience, "a limit is longer than what a test says that it needs")
{
	CHECK(tap_slow(1) > 1);
	CHECK(tap_slow(20) >= 20 * tap_slow(1));
}

/* The parent process measures; what it finds is seen here. */
TEST(slow, "and grows on a machine that has much else to do")
{
	/* It may be busy already. */
	unsigned int before = tap_slow(100);

	keep_all_busy();
	WAIT_UNTIL(tap_slow(100) > before + before / 4);
}
