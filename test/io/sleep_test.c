// SPDX-License-Identifier: GPL-2.0
/*
 * The system sleeps (suspend to RAM) while the edu device is used, and the clock
 * wakes it up: what waits for the device gets what it waits for, what a file holds
 * is there, the device may use the bus and interrupt again.
 */
#define _GNU_SOURCE

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "io.h"

#define STATE	"/sys/power/state"
#define ALARM	"/sys/class/rtc/rtc0/wakealarm"
#define SLEPT	"/sys/power/suspend_stats/success"
#define SECOND	1000
#define LONG	0x40000000	/* of this, the factorial takes a second or more */

static const char *const interrupts[] = { "edu_msi=1", "edu_msi=0" };

static void skip_if_sleepless(void)
{
	char states[80] = "";
	int fd = open(STATE, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || read(fd, states, sizeof(states) - 1) <= 0 ||
	    !strstr(states, "mem") || !exists(ALARM) || !exists(SLEPT))
		SKIP("this kernel cannot sleep");
	close(fd);
}

static int times_slept(void)
{
	FILE *file = fopen(SLEPT, "re");
	int times;

	CHECK(file);
	CHECK_EQ(fscanf(file, "%d", &times), 1);
	fclose(file);

	return times;
}

/*
 * For a few seconds; on a slow machine the clock may have rung before all were
 * asleep, which ends the attempt. The next one has more time.
 */
static void sleep_and_wake(void)
{
	int fd, before = times_slept();
	unsigned int seconds = 3;
	char alarm[20];

	do {
		snprintf(alarm, sizeof(alarm), "+%u", seconds);
		seconds *= 2;
		write_file(ALARM, "0");
		write_file(ALARM, alarm);
		fd = open_path(STATE, O_WRONLY);
		CHECK(write(fd, "mem", 3) == 3 || errno == EBUSY);
		close(fd);
	} while (times_slept() == before);
}

/* The child is at what its system call does: it has run in the kernel for long. */
static bool busy_in_kernel(pid_t pid)
{
	unsigned long ticks;
	char path[40];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	file = fopen(path, "re");
	CHECK(file);
	CHECK_EQ(fscanf(file, "%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u "
			"%*u %*u %*u %lu", &ticks), 1);
	fclose(file);

	return ticks > 10;
}

static void check_works(int fd)
{
	struct io_demo_dma buffer;

	WAIT_UNTIL(!try_factorial(fd, 0, 10, 10 * SECOND));
	buffer = dma(fd, IO_DEMO_DMA_STREAM, 100);
	check_round_trip(fd, &buffer, 100, 3);
	release(fd, buffer.handle);
}

TEST_WITHIN(result, 120, "who waits for a result while the system sleeps gets it")
{
	__u32 flags;
	pid_t child;
	int fd;

	skip_if_sleepless();
	fd = lab("");
	for (flags = 0; flags <= IO_DEMO_POLL; flags++) {
		CHILD(child) {
			struct io_demo_factorial factorial = {
				.n = LONG, .flags = flags, .timeout_ms = 50 * SECOND,
				.result = 77,
			};

			CHECK_EQ(ioctl(fd, VS_IO_FACTORIAL, &factorial), 0);
			CHECK_EQ(factorial.result, 0);
		}
		WAIT_UNTIL(blocked_in(child, SYS_ioctl));
		sleep_and_wake();
		check_child(child);
	}
	check_works(fd);
}

TEST_WITHIN(interrupt, 120, "who waits for an interrupt while the system sleeps gets it")
{
	struct io_demo_raise raise = { .bits = 0x400 };
	pid_t child;
	size_t i;
	int fd;

	skip_if_sleepless();
	for (i = 0; i < ARRAY_SIZE(interrupts); i++) {
		tap_row(interrupts[i]);
		fd = lab(interrupts[i]);
		CHILD(child) {
			struct io_demo_wait wait = { .timeout_ms = 50 * SECOND };

			CHECK_EQ(ioctl(fd, VS_IO_WAIT, &wait), 0);
			CHECK_EQ(wait.bits, 0x400);
		}
		WAIT_UNTIL(blocked_in(child, SYS_ioctl));
		sleep_and_wake();
		CHECK(!has_ended(child));
		CHECK_EQ(ioctl(fd, VS_IO_RAISE, &raise), 0);
		check_child(child);
		check_works(fd);
		close(fd);
	}
}

TEST_WITHIN(transfer, 120, "transfers that are under way when the system falls asleep arrive")
{
	struct io_demo_dma buffer;
	int fd, i;
	pid_t child;

	skip_if_sleepless();
	fd = lab("");
	buffer = dma(fd, IO_DEMO_DMA_STREAM, 4096);
	CHILD(child) {
		for (i = 0; i < 10; i++)
			check_round_trip(fd, &buffer, 4000, i);
	}
	WAIT_UNTIL(blocked_in(child, SYS_ioctl));
	sleep_and_wake();
	check_child(child);
	check_works(fd);
}

TEST_WITHIN(held, 120, "buffers and regions are there after a sleep, with what was in them")
{
	static const __u32 kinds[] = {
		IO_DEMO_DMA_COHERENT, IO_DEMO_DMA_WC, IO_DEMO_DMA_POOL,
		IO_DEMO_DMA_STREAM,
	};
	static unsigned char sent[256], got[256];
	__u32 handles[ARRAY_SIZE(kinds)], region;
	size_t i;
	int fd;

	skip_if_sleepless();
	fd = lab("");
	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		handles[i] = dma(fd, kinds[i], sizeof(sent)).handle;
		fill_pattern(sent, sizeof(sent), i);
		CHECK_EQ(try_copy(fd, handles[i], IO_DEMO_WRITE, 0, sent,
				  sizeof(sent)), 0);
	}
	region = claim(fd, IO_DEMO_MEMORY, IO_DEMO_MAP_UC, TEST_MEMORY, 4096);
	put(fd, region, IO_DEMO_BY_DEFAULT, 4, 0, 0x12345678);
	sleep_and_wake();
	CHECK_EQ(get(fd, region, IO_DEMO_BY_DEFAULT, 4, 0), 0x12345678);
	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		fill_pattern(sent, sizeof(sent), i);
		CHECK_EQ(try_run(fd, handles[i], IO_DEMO_WRITE, 0, 0, 256), 0);
		CHECK_EQ(try_run(fd, handles[(i + 1) % 4], IO_DEMO_READ, 0, 0,
				 256), 0);
		CHECK_EQ(try_copy(fd, handles[(i + 1) % 4], IO_DEMO_READ, 0, got,
				  sizeof(got)), 0);
		CHECK_EQ(memcmp(sent, got, sizeof(got)), 0);
		/* The next one's own pattern. */
		fill_pattern(sent, sizeof(sent), i + 1);
		CHECK_EQ(try_copy(fd, handles[(i + 1) % 4], IO_DEMO_WRITE, 0,
				  sent, sizeof(sent)), 0);
	}
}

TEST_WITHIN(measured, 120, "measurements that a sleep cuts short tell how far they came")
{
	pid_t irqs, costs;
	int fd;

	skip_if_sleepless();
	fd = lab("");
	CHILD(irqs) {
		struct io_demo_irq irq = {
			.half = IO_DEMO_HALF_WORK, .count = IO_DEMO_MAX_COUNT,
		};

		CHECK_EQ(ioctl(fd, VS_IO_IRQ, &irq), 0);
		CHECK(irq.done > 0 && irq.done <= IO_DEMO_MAX_COUNT);
	}
	CHILD(costs) {
		struct io_demo_dma_cost cost = {
			.size = 1 << 20, .count = IO_DEMO_MAX_COUNT,
		};

		CHECK_EQ(ioctl(fd, VS_IO_DMA_COST, &cost), 0);
		CHECK(cost.done > 0 && cost.done < IO_DEMO_MAX_COUNT);
	}
	WAIT_UNTIL(edu(fd, 0).works > 10);
	WAIT_UNTIL(busy_in_kernel(costs));
	sleep_and_wake();
	check_child(irqs);
	check_child(costs);
	check_works(fd);
}
