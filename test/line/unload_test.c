// SPDX-License-Identifier: GPL-2.0
/*
 * Attempts to unload the modules while they are used, in every way in which they
 * can be: each is refused and changes nothing. When the user is killed, they can
 * be unloaded, at whatever moment that is tried.
 */
#define _GNU_SOURCE

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "io.h"
#include "mem.h"
#include "ring.h"
#include "wire.h"

#define ATTEMPTS	100	/* on each user; with all of them over 1,000 */
#define PAGE		4096

FRESH_LINES(2)

static void stay(void)
{
	for (;;)
		syscall(SYS_pause);
}

/* Users: each waits for ever in one system call, "call" below. */

static void block_reader(void)
{
	char byte;

	wire_line(0, "open");
	read(open_line(O_RDONLY), &byte, 1);
}

static void block_writer(void)
{
	static char bytes[2 * FIFO_SIZE];
	int fd = open_line(O_WRONLY);

	set_baud(fd, VSER_BAUD_MIN);
	write(fd, bytes, sizeof(bytes));
}

static void block_drain(void)
{
	int fd = open_line(O_WRONLY);

	set_baud(fd, VSER_BAUD_MIN);
	write_bytes(fd, 10000);
	fsync(fd);
}

static void block_poll(void)
{
	struct pollfd poller = { .events = POLLPRI };

	poller.fd = open_line(O_RDWR);
	poll(&poller, 1, -1);
}

static void block_event(void)
{
	struct vser_event event;

	wire_line(0, "open");
	ioctl(open_line(O_RDONLY), VS_READ_EVENT, &event);
}

static void block_modem(void)
{
	struct vser_modem_wait wait = { .mask = TIOCM_RI };

	ioctl(open_line(CONTROL_ONLY), VS_WAIT_MODEM, &wait);
}

/* Both ends of a null modem: timers run on both wires. */
static void send(void)
{
	struct pair pair = open_pair(O_RDWR);

	set_attr(0, "pacing", "1");
	set_attr(1, "pacing", "1");
	set_baud(pair.a, VSER_BAUD_MIN);
	set_baud(pair.b, VSER_BAUD_MIN);
	write_bytes(pair.a, 1000);
	write_bytes(pair.b, 1000);
	stay();
}

static void map_rings(void)
{
	int fd = open_line(O_RDWR);
	struct ring ring;

	CHECK_EQ(ring_open(&ring, fd, PAGE, PAGE), 0);
	close(fd);
	stay();
}

static void hold_memory(void)
{
	int fd = open_mem();
	struct mem_allocator allocator;

	FOR_EACH_ALLOCATOR(fd, allocator)
		if ((allocator.caps & (MEM_CAP_ALLOC | MEM_CAP_DEBUG)) ==
		    MEM_CAP_ALLOC)
			mem_hold(fd, mem_request(fd, allocator.id));
	stay();
}

static void map_memory(void)
{
	int fd = open_mem();
	struct mem_map map = {
		.handle = mem_one(fd, MEM_VZALLOC, MEM_GFP_KERNEL, PAGE),
		.method = MEM_MAP_FAULT,
	};

	CHECK_EQ(ioctl(fd, MEM_MAP, &map), 0);
	CHECK(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, map.fd, 0) !=
	      MAP_FAILED);
	close(map.fd);
	close(fd);
	stay();
}

static void hold_ports(void)
{
	claim_ports(lab(""), TEST_PORTS, 4);
	stay();
}

static void block_interrupt(void)
{
	struct io_demo_wait wait = { .timeout_ms = IO_DEMO_MAX_TIMEOUT };
	int fd = lab("");

	dma(fd, IO_DEMO_DMA_STREAM, PAGE);
	/* Its longest wait may be too short for a slow machine. */
	while (ioctl(fd, VS_IO_WAIT, &wait) && errno == ETIMEDOUT)
		;
}

static const struct user {
	const char *name;
	void (*run)(void);
	long call;
	const char *module;	/* that stands on vser, or NULL */
} users[] = {
	{ "a blocked reader", block_reader, SYS_read, NULL },
	{ "a blocked writer", block_writer, SYS_write, NULL },
	{ "a drain", block_drain, SYS_fsync, NULL },
	{ "a poller", block_poll, SYS_poll, NULL },
	{ "who waits for an event", block_event, SYS_ioctl, NULL },
	{ "who waits for a modem line", block_modem, SYS_ioctl, NULL },
	{ "running timers", send, SYS_pause, NULL },
	{ "mapped rings", map_rings, SYS_pause, NULL },
	{ "held memory", hold_memory, SYS_pause, "mem_demo" },
	{ "mapped memory", map_memory, SYS_pause, "mem_demo" },
	{ "held ports", hold_ports, SYS_pause, "io_demo" },
	{ "who waits for an interrupt", block_interrupt, SYS_ioctl, "io_demo" },
};

static pid_t start(const struct user *user)
{
	pid_t pid;

	tap_row(user->name);
	CHILD(pid)
		user->run();
	WAIT_UNTIL(blocked_in(pid, user->call));

	return pid;
}

/* The attempts at a module, until it is unloaded; returns how many there were. */
static unsigned int unload_soon(const char *module)
{
	unsigned int attempts = 1;
	int error;

	while ((error = try_unload_module(module))) {
		CHECK_EQ(error, EWOULDBLOCK);
		attempts++;
	}

	return attempts;
}

TEST_WITHIN(refused, 120, "a module that is used cannot be unloaded, however often that is tried")
{
	unsigned int i, attempts = 0;
	const struct user *user;
	pid_t pid;

	for (user = users; user < users + ARRAY_SIZE(users); user++) {
		pid = start(user);
		for (i = 0; i < ATTEMPTS; i++, attempts++) {
			CHECK_EQ(try_unload(), EWOULDBLOCK);
			if (user->module)
				CHECK_EQ(try_unload_module(user->module),
					 EWOULDBLOCK);
		}
		WAIT_UNTIL(blocked_in(pid, user->call));
		kill_child(pid);
		if (user->module)
			CHECK_EQ(try_unload_module(user->module), 0);
		unload();
		check_gone();
		with_lines(2);
	}
	printf("# %u attempts\n", attempts);
}

TEST_WITHIN(killed, 120, "it can be unloaded as soon as its user is killed")
{
	unsigned int attempts = 0;
	const struct user *user;
	pid_t pid;

	for (user = users; user < users + ARRAY_SIZE(users); user++) {
		pid = start(user);
		CHECK_EQ(kill(pid, SIGKILL), 0);
		if (user->module)
			attempts += unload_soon(user->module);
		attempts += unload_soon("vser");
		check_gone();
		WAIT_UNTIL(has_ended(pid));
		with_lines(2);
	}
	printf("# %u attempts\n", attempts);
}
