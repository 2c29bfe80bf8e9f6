// SPDX-License-Identifier: GPL-2.0
/*
 * The edu device: what it is and does, its interrupts one by one and measured,
 * as messages and on a line that two devices share.
 */
#define _GNU_SOURCE

#include <errno.h>
#include <limits.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "io.h"

#define SECOND	1000
#define ENDLESS	0xffffffff	/* of this, the factorial takes seconds */
#define LONG	0x40000000	/* of this a quarter */

TEST(identify, "a device says what and where it is")
{
	int fd = lab("");
	struct io_demo_edu info = edu(fd, 0);

	CHECK_EQ(info.present, 3);
	CHECK_EQ(info.id, 0x010000ed);
	CHECK_EQ(strcmp(info.name, EDU), 0);
	CHECK_EQ(info.bar_size, 1 << 20);
	CHECK_EQ(info.mask_bits, 28);
	CHECK(info.irq);
	CHECK(!(info.state & (IO_DEMO_EDU_IOMMU | IO_DEMO_EDU_BOUNCE |
			      IO_DEMO_EDU_FORCED)));
	CHECK_EQ(strcmp(edu(fd, 1).name, "0000:00:08.0"), 0);
}

TEST(address, "its address is told to whom the kernel shows addresses")
{
	int fd = lab("");

	write_file(KPTR, "0");
	CHECK(!(edu(fd, 0).state & IO_DEMO_EDU_RAW));
	CHECK_EQ(edu(fd, 0).bar, 0);
	write_file(KPTR, "2");
	CHECK_EQ(edu(fd, 0).bar, 0);
	write_file(KPTR, "1");
	CHECK(edu(fd, 0).state & IO_DEMO_EDU_RAW);
	CHECK_EQ(edu(fd, 0).bar, pci_registers(PCI EDU));
	drop_capability(CAP_SYSLOG);
	CHECK_EQ(edu(fd, 0).bar, 0);
	write_file(KPTR, "0");
}

TEST(live, "a device inverts what it is told")
{
	static const __u32 values[] = { 0, 1, 0xffffffff, 0x12345678 };
	struct io_demo_live live = { 0 };
	int fd = lab("");
	size_t i;

	for (i = 0; i < 2 * ARRAY_SIZE(values); i++) {
		live.index = i % 2;
		live.value = values[i / 2];
		CHECK_EQ(ioctl(fd, VS_IO_LIVE, &live), 0);
		CHECK_EQ(live.answer, (__u32)~live.value);
	}
}

TEST(factorial, "a device computes, with an interrupt and without")
{
	__u32 expected = 1, n, flags;
	int fd = lab("");

	for (n = 0; n <= 34; n++) {
		if (n)
			expected *= n;
		for (flags = 0; flags <= IO_DEMO_POLL; flags++) {
			struct io_demo_factorial factorial = {
				.n = n, .flags = flags,
				.timeout_ms = 10 * SECOND, .result = 77,
			};
			__u64 before = edu(fd, 0).interrupts;

			CHECK_EQ(ioctl(fd, VS_IO_FACTORIAL, &factorial), 0);
			CHECK_EQ(factorial.result, expected);
			CHECK(factorial.ns > 0);
			CHECK_EQ(edu(fd, 0).interrupts - before, !flags);
		}
	}
}

TEST_WITHIN(timeout, 60, "a result that is not there in time is ETIMEDOUT, and comes later")
{
	int fd = lab("");
	__u32 flags;

	for (flags = 0; flags <= IO_DEMO_POLL; flags++) {
		struct io_demo_factorial factorial = {
			.n = LONG, .flags = flags, .timeout_ms = 1,
		};

		CHECK_ERR(ioctl(fd, VS_IO_FACTORIAL, &factorial), ETIMEDOUT);
		CHECK_ERR(try_factorial(fd, 0, 5, SECOND), EBUSY);
		/* The other device has nothing to do with it. */
		CHECK_EQ(try_factorial(fd, 1, 5, 10 * SECOND), 0);
		WAIT_UNTIL(!try_factorial(fd, 0, 5, SECOND));
	}
}

TEST_WITHIN(signal, 60, "a signal ends the wait for a result")
{
	int fd = lab("");
	pid_t child;

	catch_sigusr1(0);
	CHILD(child)
		CHECK_ERR(try_factorial(fd, 0, ENDLESS, 50 * SECOND), EINTR);
	signal_child_in(child, SYS_ioctl);
	WAIT_UNTIL(!try_factorial(fd, 0, 5, SECOND));
}

static int raise_bits(int fd, __u32 index, __u32 bits)
{
	struct io_demo_raise raise = { .index = index, .bits = bits };

	return ioctl(fd, VS_IO_RAISE, &raise);
}

TEST(raise, "an interrupt that is raised comes, is counted, and tells its bits")
{
	static const __u32 bits[] = { 0x200, 0x8000, IO_DEMO_USER_IRQS };
	struct io_demo_wait wait = { .timeout_ms = 10 * SECOND };
	int fd = lab("");
	__u64 before;
	__u32 i;

	for (i = 0; i < ARRAY_SIZE(bits); i++) {
		before = edu(fd, 0).interrupts;
		CHECK_EQ(raise_bits(fd, 0, bits[i]), 0);
		wait.bits = 0;
		CHECK_EQ(ioctl(fd, VS_IO_WAIT, &wait), 0);
		CHECK_EQ(wait.seen, i + 1);
		CHECK_EQ(wait.bits, bits[i]);
		CHECK_EQ(edu(fd, 0).interrupts - before, 1);
		CHECK_EQ(edu(fd, 1).interrupts, 0);
	}
	wait.timeout_ms = 1;
	wait.bits = 0;
	CHECK_ERR(ioctl(fd, VS_IO_WAIT, &wait), ETIMEDOUT);
	wait.timeout_ms = 0;
	CHECK_ERR(ioctl(fd, VS_IO_WAIT, &wait), ETIMEDOUT);
	wait.seen = 0;
	CHECK_EQ(ioctl(fd, VS_IO_WAIT, &wait), 0);
	CHECK_EQ(wait.seen, 3);
}

TEST(wait, "who waits for an interrupt is woken by another program's")
{
	int fd = lab("");
	pid_t child;

	CHILD(child) {
		struct io_demo_wait wait = { .timeout_ms = 50 * SECOND };

		CHECK_EQ(ioctl(fd, VS_IO_WAIT, &wait), 0);
		CHECK_EQ(wait.bits, 0x400);
	}
	WAIT_UNTIL(blocked_in(child, SYS_ioctl));
	/* It does not keep the device from working meanwhile. */
	CHECK_EQ(try_factorial(fd, 0, 5, 10 * SECOND), 0);
	CHECK_EQ(raise_bits(fd, 1, 0x800), 0);
	CHECK(!has_ended(child));
	CHECK_EQ(raise_bits(fd, 0, 0x400), 0);
	check_child(child);
}

/* The times of one kind: so many, and each in its bucket. */
static void check_times(const struct io_demo_times *times, __u32 count)
{
	__u32 i, n = 0;

	CHECK(times->min <= times->max);
	CHECK(times->sum >= times->max && times->sum >= times->min * count);
	CHECK(times->sum <= times->max * count);
	for (i = 0; i < IO_DEMO_BUCKETS; i++) {
		n += times->bucket[i];
		if (times->bucket[i]) {
			CHECK(times->max >= (i ? 1ULL << i : 0));
			CHECK(i == 31 || times->min < 2ULL << i);
		}
	}
	CHECK_EQ(n, count);
}

static void check_measured(int fd, __u32 half, __u32 count)
{
	struct io_demo_edu before = edu(fd, 0), after;
	struct io_demo_irq irq = { .half = half, .count = count };

	CHECK_EQ(ioctl(fd, VS_IO_IRQ, &irq), 0);
	CHECK_EQ(irq.done, count);
	check_times(&irq.handler, count);
	check_times(&irq.lower, count);
	check_times(&irq.task, count);
	CHECK(irq.handler.sum <= irq.lower.sum);
	CHECK(irq.lower.sum <= irq.task.sum);

	after = edu(fd, 0);
	CHECK_EQ(after.interrupts - before.interrupts, count);
	CHECK_EQ(after.threads - before.threads,
		 half == IO_DEMO_HALF_THREAD ? count : 0);
	CHECK_EQ(after.works - before.works,
		 half == IO_DEMO_HALF_WORK ? count : 0);
}

TEST(halves, "the times to handler, lower half and program are measured")
{
	int fd = lab("");
	__u32 half;

	for (half = IO_DEMO_HALF_HARD; half <= IO_DEMO_HALF_WORK; half++)
		check_measured(fd, half, 100);
}

TEST(shared, "two devices on one interrupt line each get their own")
{
	struct io_demo_wait wait = { .timeout_ms = 10 * SECOND };
	int fd = lab("edu_msi=0");
	struct io_demo_edu first = edu(fd, 0), second = edu(fd, 1);
	__u32 half;

	CHECK(!(first.state & IO_DEMO_EDU_MSI));
	CHECK_EQ(first.irq, second.irq);
	CHECK_EQ(try_factorial(fd, 0, 5, 10 * SECOND), 0);
	CHECK_EQ(try_factorial(fd, 1, 5, 10 * SECOND), 0);
	CHECK_EQ(edu(fd, 0).interrupts, 1);
	CHECK_EQ(edu(fd, 1).interrupts, 1);
	/* Each handler was called for the other's, and said so. */
	CHECK(edu(fd, 0).others >= 1);
	CHECK(edu(fd, 1).others >= 1);
	for (half = IO_DEMO_HALF_HARD; half <= IO_DEMO_HALF_WORK; half++)
		check_measured(fd, half, 100);
	CHECK_EQ(edu(fd, 1).interrupts, 1);
	CHECK_EQ(raise_bits(fd, 1, 0x200), 0);
	wait.index = 1;
	CHECK_EQ(ioctl(fd, VS_IO_WAIT, &wait), 0);
}

TEST(message, "an interrupt by message is not shared")
{
	int fd = lab("");
	struct io_demo_edu first = edu(fd, 0), second = edu(fd, 1);

	if (!(first.state & IO_DEMO_EDU_MSI))
		SKIP("this kernel has no message signalled interrupts");
	CHECK(first.irq != second.irq);
	CHECK_EQ(try_factorial(fd, 0, 5, 10 * SECOND), 0);
	CHECK_EQ(edu(fd, 1).interrupts + edu(fd, 1).others, 0);
}

TEST(invalid, "values out of range are EINVAL")
{
	static const struct io_demo_factorial factorials[] = {
		{ .timeout_ms = 0 }, { .timeout_ms = IO_DEMO_MAX_TIMEOUT + 1 },
		{ .timeout_ms = 1, .flags = 2 },
		{ .timeout_ms = 1, .reserved = 1 },
	};
	static const struct io_demo_raise raises[] = {
		{ .bits = 0 }, { .bits = 1 }, { .bits = 0x100 },
		{ .bits = 0x10000 }, { .bits = UINT_MAX },
		{ .bits = IO_DEMO_USER_IRQS + 1 },
	};
	static const struct io_demo_wait waits[] = {
		{ .timeout_ms = IO_DEMO_MAX_TIMEOUT + 1 }, { .bits = 1 },
		{ .reserved = 1 },
	};
	static const struct io_demo_irq irqs[] = {
		{ .half = 0, .count = 1 }, { .half = 4, .count = 1 },
		{ .half = 1, .count = 0 },
		{ .half = 1, .count = IO_DEMO_MAX_COUNT + 1 },
	};
	struct io_demo_live live = { .reserved = 1 };
	int fd = lab("");
	size_t i;

	for (i = 0; i < ARRAY_SIZE(factorials); i++)
		CHECK_ERR(ioctl(fd, VS_IO_FACTORIAL, &factorials[i]), EINVAL);
	for (i = 0; i < ARRAY_SIZE(raises); i++)
		CHECK_ERR(ioctl(fd, VS_IO_RAISE, &raises[i]), EINVAL);
	for (i = 0; i < ARRAY_SIZE(waits); i++)
		CHECK_ERR(ioctl(fd, VS_IO_WAIT, &waits[i]), EINVAL);
	for (i = 0; i < ARRAY_SIZE(irqs); i++)
		CHECK_ERR(ioctl(fd, VS_IO_IRQ, &irqs[i]), EINVAL);
	CHECK_ERR(ioctl(fd, VS_IO_LIVE, &live), EINVAL);
	CHECK_EQ(edu(fd, 0).interrupts, 0);
}

TEST(none, "a device that there is not is ENODEV")
{
	static const __u32 indexes[] = { 2, 7, 8, UINT_MAX };
	struct io_demo_edu info;
	int fd = lab("");
	size_t i;

	for (i = 0; i < ARRAY_SIZE(indexes); i++) {
		info = (struct io_demo_edu) { .index = indexes[i] };
		CHECK_ERR(ioctl(fd, VS_IO_EDU, &info), ENODEV);
		CHECK_EQ(info.present, 3);
		CHECK_ERR(try_factorial(fd, indexes[i], 5, SECOND), ENODEV);
		CHECK_ERR(raise_bits(fd, indexes[i], 0x200), ENODEV);
	}
}

#define DRIVER		"/sys/bus/pci/drivers/io_demo/"
#define FOREIGN		"0000:00:05.0"	/* a virtio device; it begins with ports */
#define FOREIGN_ID	"1af4 1005"

TEST(foreign, "a device that is none is refused, though root says that it is one")
{
	int fd = lab("");

	CHECK(exists(PCI FOREIGN));
	if (exists(PCI FOREIGN "/driver"))
		write_file(PCI FOREIGN "/driver/unbind", FOREIGN);
	clear_log();
	write_file(DRIVER "new_id", FOREIGN_ID);
	CHECK(log_has("io_demo " FOREIGN ": "));
	CHECK(log_has("no edu device"));
	CHECK(!exists(PCI FOREIGN "/driver"));
	CHECK_EQ(edu(fd, 0).present, 3);
	write_file(DRIVER "remove_id", FOREIGN_ID);
}

static void check_mask(const char *parameters, __u32 bits)
{
	int fd = lab(parameters);

	CHECK_EQ(edu(fd, 0).mask_bits, bits);
	close(fd);
}

TEST(parameters, "a mask or time that no device could have is EINVAL at load")
{
	unload_lab();
	clear_log();
	CHECK_EQ(try_load_lab("edu_mask_bits=23"), EINVAL);
	CHECK(log_has("io_demo: edu_mask_bits=23: must be 24 to 64\n"));
	CHECK_EQ(try_load_lab("edu_mask_bits=65"), EINVAL);
	CHECK_EQ(try_load_lab("edu_mask_bits=x"), EINVAL);
	CHECK_EQ(try_load_lab("edu_timeout_ms=0"), EINVAL);
	/* No wait that nothing ends is longer than that. */
	CHECK_EQ(try_load_lab("edu_timeout_ms=5001"), EINVAL);
	CHECK(log_has("io_demo: edu_timeout_ms=5001: must be 1 to 5000\n"));
	check_mask("edu_mask_bits=32", 32);
	check_mask("edu_mask_bits=64", 64);
}
