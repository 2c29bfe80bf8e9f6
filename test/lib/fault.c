// SPDX-License-Identifier: GPL-2.0
/* Requests of the kernel that are refused. See fault.h. */
#define _GNU_SOURCE

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fault.h"
#include "line.h"

static int fail_nth;	/* /proc/self/fail-nth */

/* For all tests of the program, which are processes of their own, and their children. */
static struct {
	unsigned int refusals;	/* so far */
	unsigned int next;	/* the request that is to be refused, 0: none */
} *shared;

static void __attribute__((constructor)) share(void)
{
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

static void __attribute__((destructor)) tell_refusals(void)
{
	if (shared != MAP_FAILED && shared->refusals)
		printf("# %u requests were refused\n", shared->refusals);
}

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

	__atomic_store_n(&shared->next, n, __ATOMIC_SEQ_CST);
	/* What is to be refused may be this. */
	while (pwrite(fail_nth, text, len, 0) != len)
		CHECK_EQ(errno, EFAULT);
}

void wait_for_refused(void)
{
	WAIT_UNTIL(!__atomic_load_n(&shared->next, __ATOMIC_SEQ_CST));
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
	shared->refusals += refused;

	return refused;
}

/* The next call works. */
static void check_line_answers(void)
{
	struct vser_counters counters;
	int fd = open_line(CONTROL_ONLY);

	CHECK_EQ(ioctl(fd, VS_GET_COUNTERS, &counters), 0);
	close(fd);
}

/* For programs that have none of their own. */
__attribute__((weak)) void check_after_refusal(void)
{
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
		check_line_answers();
		check_after_refusal();
	}
	CHECK_EQ(error, 0);
	CHECK(n > 1);

	return n - 1;
}

unsigned int sweep(int (*call)(int fd), int fd)
{
	return sweep_for(call, fd, ENOMEM);
}

static unsigned int count_requests(const char *module, const char *parameters,
				   int wanted)
{
	const unsigned int many = 1000000;
	unsigned int n;

	refuse(many);
	CHECK_EQ(try_load_module(module, parameters), wanted);
	n = many - requests_left();
	refuse(0);

	return n;
}

void unload_opened(const char *module)
{
	WAIT_UNTIL(!try_unload_module(module));
}

static unsigned int step_for(const char *module, const char *parameters,
			     unsigned int requests)
{
	const char *text = getenv("TEST_SWEEP");
	unsigned int seconds = text ? atoi(text) : 30, step;
	__u64 start = now_ns();

	CHECK_EQ(try_load_module(module, parameters), 0);
	unload_opened(module);
	step = 1 + requests * (now_ns() - start) / (seconds * NSEC_PER_SEC);
	if (step > 1)
		printf("# unloading is slow here: one of %u is refused\n", step);

	return step;
}

struct load_requests requests_of_load(const char *module, const char *invalid,
				      const char *parameters)
{
	struct load_requests requests;

	/* Before its parameters are read, the module has no say. */
	requests.first = count_requests(module, invalid, EINVAL);
	requests.last = count_requests(module, parameters, 0);
	unload_opened(module);
	CHECK(requests.first < requests.last);
	requests.step = step_for(module, parameters,
				 requests.last - requests.first);

	return requests;
}

void sweep_load(const char *module, const char *invalid, const char *parameters,
		int also, void (*check_gone)(void))
{
	struct load_requests requests = requests_of_load(module, invalid,
							 parameters);
	unsigned int n;
	int error;

	for (n = requests.first; n <= requests.last; n += requests.step) {
		refuse(n);
		error = try_load_module(module, parameters);
		was_refused();
		if (error) {
			CHECK(error == ENOMEM || error == EFAULT ||
			      error == also);
			check_gone();
		} else {
			unload_opened(module);
		}
	}
}
