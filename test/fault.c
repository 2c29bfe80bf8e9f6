// SPDX-License-Identifier: GPL-2.0
/* Requests of the kernel that are refused. See fault.h. */
#define _GNU_SOURCE

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "fault.h"
#include "line.h"

static int fail_nth;	/* /proc/self/fail-nth */

void set_fault(const char *fault, const char *knob, const char *value)
{
	char path[80];

	snprintf(path, sizeof(path), "/sys/kernel/debug/%s/%s", fault, knob);
	if (exists(path))
		write_file(path, value);
}

void prepare_faults(void)
{
	fail_nth = open("/proc/self/fail-nth", O_RDWR | O_CLOEXEC);
	if (fail_nth < 0 || !exists("/sys/kernel/debug/failslab"))
		SKIP("this kernel cannot inject faults");
	set_fault("failslab", "verbose", "0");
	set_fault("failslab", "ignore-gfp-wait", "N");
	set_fault("fail_page_alloc", "verbose", "0");
	set_fault("fail_page_alloc", "ignore-gfp-wait", "N");
	set_fault("fail_page_alloc", "ignore-gfp-highmem", "N");
	set_fault("fail_page_alloc", "min-order", "0");
	set_fault("fail_usercopy", "verbose", "0");
}

void refuse(unsigned int n)
{
	char text[20];
	int len = snprintf(text, sizeof(text), "%u", n);

	/* What is to be refused may be this. */
	while (pwrite(fail_nth, text, len, 0) != len)
		CHECK_EQ(errno, EFAULT);
}

unsigned int requests_left(void)
{
	char text[20] = "";

	/* What is refused may be this: then nothing was before. */
	if (pread(fail_nth, text, sizeof(text) - 1, 0) < 0) {
		CHECK_EQ(errno, EFAULT);
		return 1;
	}

	return atoi(text);
}

bool was_refused(void)
{
	bool refused = !requests_left();

	refuse(0);

	return refused;
}

unsigned int sweep_for(int (*call)(int fd), int fd, int also)
{
	unsigned int n;
	int error;

	for (n = 1;; n++) {
		refuse(n);
		error = call(fd);
		if (!was_refused())
			break;
		CHECK(!error || error == ENOMEM || error == EFAULT ||
		      error == also);
	}
	CHECK_EQ(error, 0);
	CHECK(n > 1);

	return n - 1;
}

unsigned int sweep(int (*call)(int fd), int fd)
{
	return sweep_for(call, fd, ENOMEM);
}
