// SPDX-License-Identifier: GPL-2.0
/*
 * A storm: for TEST_SOAK seconds, eight processes open, use and rewire lines,
 * hold memory and regions, load and unload the modules, all at once, and are
 * killed at any moment, to start again. What a call answers depends on what the
 * others do; that the kernel stays well is what is looked at.
 */
#define _GNU_SOURCE

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "io.h"
#include "mem.h"
#include "ring.h"
#include "wire.h"

#define LINES		4
#define PAGE		4096
#define CALM		300	/* ms until somebody is killed, at most */

/* How often each thing has happened. */
static struct {
	__u64 uses;
	__u64 rewirings;
	__u64 holds;
	__u64 claims;
	__u64 loads;
	__u64 unloads;
} *count;

static void happened(__u64 *counter)
{
	__atomic_add_fetch(counter, 1, __ATOMIC_RELAXED);
}

static bool all_happened(void)
{
	return count->uses && count->rewirings && count->holds &&
	       count->claims && count->loads && count->unloads;
}

static unsigned int any(unsigned int below)
{
	return (unsigned int)rand() % below;
}

static unsigned int seconds(void)
{
	const char *text = getenv("TEST_SOAK");

	return text ? atoi(text) : 10;
}

/* The jobs, each done again and again. Lines and modules may be gone. */

static int open_any(void)
{
	static const int modes[] = {
		O_RDWR, O_RDWR, O_RDONLY, O_WRONLY, CONTROL_ONLY,
	};
	char path[40];

	snprintf(path, sizeof(path), "/dev/%s", name_of(any(LINES)));

	return open(path, modes[any(ARRAY_SIZE(modes))] |
		    (any(3) ? O_NONBLOCK : 0));
}

static void call_any(int fd)
{
	static char bytes[20000];
	struct pollfd poller = { .fd = fd, .events = POLLIN | POLLOUT | POLLPRI };
	struct vser_event event;
	struct vser_fault fault = { .drop = 1000, .burst = 1 };
	__u32 baud = VSER_BAUD_MAX;
	int bits = TIOCM_RTS | TIOCM_DTR;

	switch (any(12)) {
	case 0:
	case 1:
		write(fd, bytes, 1 + any(sizeof(bytes)));
		break;
	case 2:
	case 3:
		read(fd, bytes, 1 + any(sizeof(bytes)));
		break;
	case 4:
		ioctl(fd, TCFLSH, TCIOFLUSH);
		break;
	case 5:
		fsync(fd);
		break;
	case 6:
		ioctl(fd, VS_READ_EVENT, &event);
		break;
	case 7:
		ioctl(fd, any(2) ? TIOCMBIS : TIOCMBIC, &bits);
		break;
	case 8:
		ioctl(fd, VS_SET_BAUD, &baud);
		break;
	case 9:
		ioctl(fd, VS_SET_FAULT, &fault);
		break;
	case 10:
		ioctl(fd, any(2) ? TIOCSBRK : TIOCCBRK, 0);
		break;
	case 11:
		poll(&poller, 1, any(20));
		break;
	}
}

static void use(void)
{
	unsigned int n = any(20);
	int fd = open_any();

	if (fd < 0)
		return;
	while (n--)
		call_any(fd);
	close(fd);
	happened(&count->uses);
}

static void use_rings(void)
{
	struct pollfd poller = { .events = POLLIN | POLLOUT };
	unsigned int n = any(20);
	char bytes[PAGE];
	struct ring ring;

	poller.fd = open_any();
	if (poller.fd < 0)
		return;
	if (ring_open(&ring, poller.fd, PAGE, PAGE)) {
		close(poller.fd);
		return;
	}

	while (n--) {
		ring_put(&ring, bytes, any(PAGE));
		poll(&poller, 1, any(5));
		ring_get(&ring, bytes, any(PAGE));
	}
	happened(&count->uses);
	/* Whichever is last lets go of the file. */
	if (any(2)) {
		munmap(ring.page, ring.length);
		close(poller.fd);
	} else {
		close(poller.fd);
		munmap(ring.page, ring.length);
	}
}

static void rewire(void)
{
	static const struct {
		const char *name;
		const char *values[4];
	} attrs[] = {
		{ "wire", { "loopback", "generator", "open", "nullmodem:vser1" } },
		{ "wire", { "nullmodem:vser", "nullmodem:vser1",
			    "nullmodem:vser2", "nullmodem:vser3" } },
		{ "pacing", { "0", "1", "1", "0" } },
		{ "exclusive", { "0", "0", "0", "1" } },
		{ "flow", { "none", "rtscts", "none", "rtscts" } },
		{ "fifo", { "16", "4096", "65536", "1048576" } },
		{ "period_ns", { "0", "2000", "1000000", "0" } },
		{ "latency_ns", { "10000", "1000000", "20000000", "100000" } },
	};
	unsigned int i = any(ARRAY_SIZE(attrs));
	const char *value = attrs[i].values[any(4)];
	char path[80];
	int fd;

	snprintf(path, sizeof(path), CLASS "/%s/%s", name_of(any(LINES)),
		 attrs[i].name);
	fd = open(path, O_WRONLY);
	if (fd < 0)
		return;
	if (write(fd, value, strlen(value)) > 0)
		happened(&count->rewirings);
	close(fd);
}

static void hold(void)
{
	int fd = open(LINE, CONTROL_ONLY);
	struct mem_alloc alloc = {
		.allocator = any(2) ? MEM_VZALLOC : MEM_KMALLOC,
		.gfp = MEM_GFP_KERNEL,
		.size = PAGE,
		.count = 1 + any(100),
	};
	struct mem_map map = { .method = MEM_MAP_FAULT };
	char *at;

	if (fd < 0)
		return;
	if (!ioctl(fd, MEM_ALLOC, &alloc)) {
		happened(&count->holds);
		map.handle = alloc.handle;
		if (!ioctl(fd, MEM_MAP, &map)) {
			at = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED,
				  map.fd, 0);
			close(map.fd);
			if (at != MAP_FAILED) {
				*at = 1;
				munmap(at, PAGE);
			}
		}
	}
	if (any(2))
		tap_nap();
	close(fd);
}

static void claim_any(void)
{
	int fd = open(LINE, CONTROL_ONLY);
	struct io_demo_claim claim = {
		.space = IO_DEMO_PORTS, .map = IO_DEMO_MAP_NONE,
		.start = TEST_PORTS, .size = 4,
	};
	struct io_demo_factorial factorial = { .n = 10, .timeout_ms = 1000 };
	struct io_demo_dma dma = {
		.kind = IO_DEMO_DMA_STREAM, .size = PAGE,
	};

	if (fd < 0)
		return;
	if (!ioctl(fd, VS_IO_CLAIM, &claim))
		happened(&count->claims);
	ioctl(fd, VS_IO_FACTORIAL, &factorial);
	ioctl(fd, VS_IO_DMA, &dma);
	close(fd);
}

/* Loads what is not there, or unloads what is free: the latest goes first. */
static void come_or_go(void)
{
	static const char *const modules[] = { "vser", "mem_demo", "io_demo" };
	const size_t n = ARRAY_SIZE(modules);
	bool come = any(2);
	size_t i;

	for (i = 0; i < n; i++) {
		if (come && !try_load_module(modules[i], i ? "" : "lines=4"))
			happened(&count->loads);
		if (!come && !try_unload_module(modules[n - 1 - i]))
			happened(&count->unloads);
	}
}

static void (*const jobs[])(void) = {
	use, use, use_rings, rewire, hold, claim_any, come_or_go, come_or_go,
};

/* Rests in between, so that now and then nobody uses the modules. */
static void go_on_with(void (*job)(void))
{
	for (;;) {
		job();
		sleep_ms(any(50));
	}
}

static pid_t start(size_t job, unsigned int seed)
{
	pid_t pid;

	CHILD(pid) {
		srand(seed);
		go_on_with(jobs[job]);
	}

	return pid;
}

TEST_WITHIN(storm, 24 * 3600, "whatever is done at once, and cut short, the kernel stays well")
{
	__u64 end = now_ns() + seconds() * NSEC_PER_SEC;
	pid_t pids[ARRAY_SIZE(jobs)];
	unsigned int seed = 0, kills = 0;
	size_t i;

	count = mmap(NULL, sizeof(*count), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(count != MAP_FAILED);
	for (i = 0; i < ARRAY_SIZE(jobs); i++)
		pids[i] = start(i, seed++);
	while (now_ns() < end || !all_happened()) {
		sleep_ms(any(CALM));
		i = any(ARRAY_SIZE(jobs));
		kill_child(pids[i]);
		kills++;
		pids[i] = start(i, seed++);
	}
	for (i = 0; i < ARRAY_SIZE(jobs); i++)
		kill_child(pids[i]);
	printf("# %llu uses, %llu rewirings, %llu holds, %llu claims\n",
	       count->uses, count->rewirings, count->holds, count->claims);
	printf("# %llu loads, %llu unloads, %u kills\n", count->loads,
	       count->unloads, kills);

	try_unload_module("io_demo");
	try_unload_module("mem_demo");
	WAIT_UNTIL(!try_unload() || !exists("/sys/module/vser"));
	check_gone();
}
