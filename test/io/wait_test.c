// SPDX-License-Identifier: GPL-2.0
/*
 * Waiting in the hardware laboratory: through a stop, and for each other. Who
 * waits for what another program's device does can be interrupted and killed, and
 * who only gives something back does not wait at all.
 */
#define _GNU_SOURCE

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io.h"

#define SECOND	1000
#define LONG	0x40000000	/* of this, the factorial takes a second or more */

/* Stops a process that is in this call, as a shell does with a job. */
static void stop_and_go(pid_t pid, long call)
{
	int status;

	WAIT_UNTIL(blocked_in(pid, call));
	CHECK_EQ(kill(pid, SIGSTOP), 0);
	CHECK_EQ(waitpid(pid, &status, WUNTRACED), pid);
	CHECK(WIFSTOPPED(status));
	CHECK_EQ(kill(pid, SIGCONT), 0);
}

TEST_WITHIN(stopped_result, 60, "a program that is stopped and goes on gets its result")
{
	int fd = lab("");
	__u32 flags;
	pid_t child;

	for (flags = 0; flags <= IO_DEMO_POLL; flags++) {
		CHILD(child) {
			struct io_demo_factorial factorial = {
				.n = LONG, .flags = flags, .timeout_ms = 50 * SECOND,
				.result = 77,
			};

			CHECK_EQ(ioctl(fd, VS_IO_FACTORIAL, &factorial), 0);
			CHECK_EQ(factorial.result, 0);
		}
		stop_and_go(child, SYS_ioctl);
		check_child(child);
	}
}

TEST(stopped_wait, "a program that is stopped and goes on gets its interrupt")
{
	struct io_demo_raise raise = { .bits = 0x400 };
	int fd = lab("");
	pid_t child;

	CHILD(child) {
		struct io_demo_wait wait = { .timeout_ms = 50 * SECOND };

		CHECK_EQ(ioctl(fd, VS_IO_WAIT, &wait), 0);
		CHECK_EQ(wait.bits, 0x400);
	}
	stop_and_go(child, SYS_ioctl);
	WAIT_UNTIL(blocked_in(child, SYS_ioctl));
	CHECK_EQ(ioctl(fd, VS_IO_RAISE, &raise), 0);
	check_child(child);
}

TEST_WITHIN(restart, 60, "a handler with SA_RESTART does not end the wait for a result")
{
	int fd = lab("");
	pid_t child;

	catch_sigusr1(SA_RESTART);
	CHILD(child) {
		CHECK_EQ(try_factorial(fd, 0, LONG, 50 * SECOND), 0);
		CHECK(signals_caught());
	}
	WAIT_UNTIL(blocked_in(child, SYS_ioctl));
	CHECK_EQ(kill(child, SIGUSR1), 0);
	check_child(child);
}

TEST_WITHIN(joined, 60, "a result that an earlier call did not wait for is there for the next one")
{
	struct io_demo_factorial factorial = { .n = LONG, .timeout_ms = 1 };
	int fd = lab("");
	__u32 flags;

	for (flags = 0; flags <= IO_DEMO_POLL; flags++) {
		factorial.flags = flags;
		factorial.timeout_ms = 1;
		CHECK_ERR(ioctl(fd, VS_IO_FACTORIAL, &factorial), ETIMEDOUT);
		CHECK_ERR(try_factorial(fd, 0, LONG + 1, 1), EBUSY);
		factorial.timeout_ms = 50 * SECOND;
		factorial.result = 77;
		CHECK_EQ(ioctl(fd, VS_IO_FACTORIAL, &factorial), 0);
		CHECK_EQ(factorial.result, 0);
		/* Nothing is left of it that the next one could take for its own. */
		CHECK_EQ(try_factorial(fd, 0, 5, 10 * SECOND), 0);
	}
}

/* Has the device compute something long for another file. */
static pid_t occupy(void)
{
	pid_t child;

	CHILD(child)
		try_factorial(open_line(CONTROL_ONLY), 0, 3u * LONG, 50 * SECOND);
	WAIT_UNTIL(blocked_in(child, SYS_ioctl));

	return child;
}

/* The process ends well, and before the other one does. */
static void check_ends_before(pid_t pid, pid_t other)
{
	check_child(pid);
	CHECK(!has_ended(other));
}

/* The device computes on when nobody waits any more; the next test needs it. */
static void wait_until_idle(int fd)
{
	WAIT_UNTIL(!try_factorial(fd, 0, 5, SECOND));
}

TEST_WITHIN(claim, 60, "who waits for the file to claim a region can be killed")
{
	struct io_demo_claim claim = {
		.space = IO_DEMO_PORTS, .map = IO_DEMO_MAP_NONE,
		.start = TEST_PORTS, .size = 4,
	};
	pid_t other, runner, claimer;
	int fd = lab("");
	__u32 buffer = dma(fd, IO_DEMO_DMA_COHERENT, 16).handle;

	other = occupy();
	CHILD(runner)
		try_run(fd, buffer, IO_DEMO_READ, 0, 0, 1);
	WAIT_UNTIL(blocked_in(runner, SYS_ioctl));
	CHILD(claimer)
		try_claim(fd, &claim);
	WAIT_UNTIL(blocked_in(claimer, SYS_ioctl));
	kill_child(claimer);
	CHECK(!file_has("/proc/ioports", "  00e0-00e3 : io_demo\n"));
	/* It did not come to its end because the others did. */
	CHECK(blocked_in(runner, SYS_ioctl));
	kill_child(runner);
	CHECK(blocked_in(other, SYS_ioctl));
	kill_child(other);
	wait_until_idle(fd);
}

TEST_WITHIN(uses, 60, "who waits for the file or the device to use something can be killed")
{
	pid_t other, runner, child;
	int fd = lab(""), own = open_line(CONTROL_ONLY);
	__u32 ports = claim_ports(fd, TEST_PORTS, 4);
	__u32 buffer = dma(fd, IO_DEMO_DMA_COHERENT, 16).handle;
	char bytes[16] = "";
	struct io_demo_access access = {
		.handle = ports, .op = IO_DEMO_READ, .by = IO_DEMO_BY_DEFAULT,
		.width = 1,
	};
	struct io_demo_transfer transfer = {
		.handle = ports, .op = IO_DEMO_WRITE, .form = IO_DEMO_STRING,
		.width = 1, .buffer = address(bytes), .count = sizeof(bytes),
	};
	struct io_demo_latency latency = {
		.handle = ports, .op = IO_DEMO_READ, .by = IO_DEMO_BY_DEFAULT,
		.width = 1, .count = 1,
	};
	struct io_demo_dma_copy copy = {
		.handle = buffer, .op = IO_DEMO_READ, .buffer = address(bytes),
		.size = sizeof(bytes),
	};
	struct io_demo_dma_run run = {
		.handle = buffer, .op = IO_DEMO_READ, .size = sizeof(bytes),
	};
	struct io_demo_irq irq = { .half = IO_DEMO_HALF_HARD, .count = 1 };
	const struct {
		const char *name;
		int fd;
		unsigned long number;
		void *argument;
	} rows[] = {
		{ "access", fd, VS_IO_ACCESS, &access },
		{ "transfer", fd, VS_IO_TRANSFER, &transfer },
		{ "latency", fd, VS_IO_LATENCY, &latency },
		{ "copy", fd, VS_IO_DMA_COPY, &copy },
		{ "run", fd, VS_IO_DMA_RUN, &run },
		{ "interrupt", own, VS_IO_IRQ, &irq },
	};
	size_t i;

	other = occupy();
	CHILD(runner)
		try_run(fd, buffer, IO_DEMO_READ, 0, 0, 1);
	WAIT_UNTIL(blocked_in(runner, SYS_ioctl));
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		tap_row(rows[i].name);
		CHILD(child)
			ioctl(rows[i].fd, rows[i].number, rows[i].argument);
		WAIT_UNTIL(blocked_in(child, SYS_ioctl));
		kill_child(child);
		CHECK(blocked_in(runner, SYS_ioctl));
	}
	kill_child(runner);
	CHECK(blocked_in(other, SYS_ioctl));
	kill_child(other);
	wait_until_idle(fd);
}

TEST_WITHIN(close, 60, "who has a buffer can use it and go while the device works for others")
{
	pid_t other, child;
	int fd = lab("");

	other = occupy();
	CHILD(child) {
		int mine = open_line(CONTROL_ONLY);
		char byte = 0;
		__u32 buffer;

		buffer = dma(mine, IO_DEMO_DMA_STREAM, 16).handle;
		release(mine, dma(mine, IO_DEMO_DMA_POOL, 16).handle);
		CHECK_EQ(try_copy(mine, buffer, IO_DEMO_WRITE, 0, &byte, 1), 0);
		/* The kernel closes the file, and nobody can interrupt that. */
	}
	check_ends_before(child, other);
	kill_child(other);
	wait_until_idle(fd);
}

TEST_WITHIN(measured, 60, "a device can be used while it is measured at length")
{
	int fd = lab("");
	pid_t costs, irqs;

	CHILD(costs) {
		struct io_demo_dma_cost cost = {
			.size = 1 << 18, .count = IO_DEMO_MAX_COUNT,
		};

		ioctl(fd, VS_IO_DMA_COST, &cost);
	}
	CHILD(irqs) {
		struct io_demo_irq irq = {
			.half = IO_DEMO_HALF_WORK, .count = IO_DEMO_MAX_COUNT,
		};

		while (!ioctl(fd, VS_IO_IRQ, &irq))
			;
	}
	WAIT_UNTIL(edu(fd, 0).works > 10);
	CHECK_EQ(try_factorial(fd, 0, 5, 10 * SECOND), 0);
	release(fd, dma(fd, IO_DEMO_DMA_COHERENT, 16).handle);
	CHECK(!has_ended(costs));
	CHECK(!has_ended(irqs));
}

/* May device 0 use the bus? */
static bool is_master(int fd)
{
	return pci_command(edu(fd, 0).name) & COMMAND_MASTER;
}

/* A laboratory whose device 0 has lost the bus, as its engine did not end in time. */
static int stuck_lab(const char *parameters)
{
	int fd = lab(parameters);
	__u32 handle = dma(fd, IO_DEMO_DMA_COHERENT, 64).handle;

	/* It takes 100 ms, but on a busy machine we may see it end all the same. */
	while (!try_run(fd, handle, IO_DEMO_READ, 0, 0, 64))
		;
	CHECK_EQ(errno, ETIMEDOUT);

	return fd;
}

/* The operations that need an interrupt; what ioctl() returns. */

static int compute(int fd, __u32 handle)
{
	(void)handle;

	return try_factorial(fd, 0, 5, 10 * SECOND);
}

static int measure(int fd, __u32 handle)
{
	struct io_demo_irq irq = { .half = IO_DEMO_HALF_THREAD, .count = 1 };

	(void)handle;

	return ioctl(fd, VS_IO_IRQ, &irq);
}

static int raise_one(int fd, __u32 handle)
{
	struct io_demo_raise raise = { .bits = 0x400 };

	(void)handle;

	return ioctl(fd, VS_IO_RAISE, &raise);
}

/* In the time that this device is given, the engine may be stuck once more. */
static int run_again(int fd, __u32 handle)
{
	return try_run(fd, handle, IO_DEMO_READ, 0, 0, 16) && errno != ETIMEDOUT ?
	       -1 : 0;
}

TEST_WITHIN(lost, 60, "after a transfer that timed out no interrupt is lost: EIO until it ends")
{
	static const struct {
		const char *name;
		int (*run)(int fd, __u32 handle);
	} rows[] = {
		{ "factorial", compute },
		{ "measure", measure },
		{ "raise", raise_one },
		{ "run", run_again },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		int fd = stuck_lab("edu_timeout_ms=10");
		__u32 handle = dma(fd, IO_DEMO_DMA_COHERENT, 16).handle;
		struct io_demo_wait wait = { .timeout_ms = 10 * SECOND };

		tap_row(rows[i].name);
		while (rows[i].run(fd, handle))
			CHECK_EQ(errno, EIO);
		if (rows[i].run == raise_one)
			CHECK_EQ(ioctl(fd, VS_IO_WAIT, &wait), 0);
		close(fd);
	}
}

TEST_WITHIN(unheard, 60, "an answer that is there when the time is over is not ETIMEDOUT")
{
	int fd = lab("edu_msi=0");
	struct io_demo_dma buffer = dma(fd, IO_DEMO_DMA_COHERENT, 64);
	struct io_demo_edu info = edu(fd, 0);
	__u32 flags;

	/* From here on no interrupt tells of it. */
	set_pci_command(info.name, pci_command(info.name) | COMMAND_INTX_DISABLE);
	for (flags = 0; flags <= IO_DEMO_POLL; flags++) {
		struct io_demo_factorial factorial = {
			.n = 5, .flags = flags, .timeout_ms = SECOND,
		};

		CHECK_EQ(ioctl(fd, VS_IO_FACTORIAL, &factorial), 0);
		CHECK_EQ(factorial.result, 120);
	}
	check_round_trip(fd, &buffer, 64, 6);
	CHECK_EQ(edu(fd, 0).interrupts, info.interrupts);
}

TEST_WITHIN(stuck, 60, "a transfer that is stuck loses the bus, and the device gets it back")
{
	static unsigned char sent[64], got[64];
	int fd = lab(""), ret;
	__u32 handle = dma(fd, IO_DEMO_DMA_COHERENT, sizeof(sent)).handle;

	/* What the device has, and must not write into the buffer later. */
	fill_pattern(sent, sizeof(sent), 4);
	CHECK_EQ(try_copy(fd, handle, IO_DEMO_WRITE, 0, sent, sizeof(sent)), 0);
	CHECK_EQ(try_run(fd, handle, IO_DEMO_WRITE, 0, 0, sizeof(sent)), 0);
	close(fd);

	fd = lab("edu_timeout_ms=10");
	handle = dma(fd, IO_DEMO_DMA_COHERENT, sizeof(sent)).handle;
	/* It takes 100 ms, but on a busy machine we may see it end all the same. */
	do {
		CHECK_EQ(try_copy(fd, handle, IO_DEMO_WRITE, 0, got,
				  sizeof(got)), 0);
		ret = try_run(fd, handle, IO_DEMO_READ, 0, 0, sizeof(sent));
		CHECK(!ret || errno == ETIMEDOUT);
	} while (!ret || is_master(fd));
	/* With messages as interrupts, no result would come without the bus. */
	WAIT_UNTIL(!try_factorial(fd, 0, 5, 100) && is_master(fd));
	CHECK_EQ(try_copy(fd, handle, IO_DEMO_READ, 0, got, sizeof(got)), 0);
	memset(sent, 0, sizeof(sent));
	CHECK_EQ(memcmp(sent, got, sizeof(got)), 0);
	close(fd);

	fd = lab("");
	handle = dma(fd, IO_DEMO_DMA_STREAM, sizeof(sent)).handle;
	check_round_trip(fd, &(struct io_demo_dma) {
				.handle = handle, .size = sizeof(sent),
			 }, sizeof(sent), 5);
}
