// SPDX-License-Identifier: GPL-2.0
/*
 * The edu device goes while it is used: unbound from its driver, removed from
 * the bus, unplugged. What waits for it ends with ENODEV; what a file holds of it
 * answers so too; when it comes again, all works.
 */
#define _GNU_SOURCE

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

#include "io.h"

#define DRIVER	"/sys/bus/pci/drivers/io_demo/"
#define MONITOR	"/dev/ttyS2"	/* of QEMU: see --monitor of test/vm/run */
#define LONG	50000		/* milliseconds */
/*
 * Of this, the factorial takes a part of a second, and then it is asked for again.
 * When the device is unplugged the emulator waits for it to be done, and all of the
 * machine with it.
 */
#define LARGE	0x4000000

static __u32 victim;	/* number of the device that goes */

/*
 * The first thing that the monitor said may have been sent back to it, as a
 * terminal does; the empty line ends what that began.
 */
static void tell_qemu(const char *command)
{
	int fd = open_path(MONITOR, O_RDWR | O_NOCTTY);
	struct termios termios;

	CHECK_EQ(tcgetattr(fd, &termios), 0);
	cfmakeraw(&termios);
	CHECK_EQ(tcsetattr(fd, TCSANOW, &termios), 0);
	CHECK_EQ(write(fd, command, strlen(command)), (ssize_t)strlen(command));
	close(fd);
}

static void unbind(void)
{
	write_file(DRIVER "unbind", EDU);
}

static void bind(void)
{
	write_file(DRIVER "bind", EDU);
}

static void drop(void)
{
	write_file(PCI EDU "/remove", "1");
}

static void rescan(void)
{
	write_file("/sys/bus/pci/rescan", "1");
}

static void unplug(void)
{
	tell_qemu("\ndevice_del edu0\n");
	WAIT_UNTIL(!exists(PCI EDU));
}

static void plug(void)
{
	int i;

	/* Until QEMU is done with the one that went, its name is taken. */
	while (!exists(DRIVER EDU)) {
		tell_qemu("\ndevice_add edu,id=edu0,addr=4\n");
		for (i = 0; i < 100 && !exists(DRIVER EDU); i++)
			tap_nap();
	}
}

static const struct way {
	const char *name;
	void (*go)(void);
	void (*come)(void);
} ways[] = {
	{ "unbind", unbind, bind },
	{ "remove", drop, rescan },
	{ "unplug", unplug, plug },
};

/*
 * A laboratory with all its devices, whatever a test before this one did. Their
 * numbers are not always the same: a device that came again is the last one that
 * a driver finds.
 */
static int whole_lab_with(const char *parameters)
{
	int fd = lab(parameters);

	if (!exists(PCI EDU))
		rescan();
	if (!exists(PCI EDU))
		plug();
	victim = strcmp(edu(fd, 0).name, EDU) ? 1 : 0;

	return fd;
}

static int whole_lab(void)
{
	return whole_lab_with("");
}

/* A buffer of it. */
static __u32 make_buffer(int fd, __u32 kind)
{
	struct io_demo_dma buffer;

	CHECK_EQ(try_dma(fd, victim, kind, 0, IO_DEMO_POOL_SIZE, &buffer), 0);

	return buffer.handle;
}

static bool can_unplug(void)
{
	return exists("/sys/bus/pci/slots/4");
}

static void check_works(int fd)
{
	struct io_demo_dma buffer;

	/* It may still be busy with what nobody waits for any more. */
	WAIT_UNTIL(!try_factorial(fd, victim, 10, 10000));
	CHECK_EQ(try_dma(fd, victim, IO_DEMO_DMA_COHERENT, 0, 100, &buffer), 0);
	check_round_trip(fd, &buffer, 100, 3);
	release(fd, buffer.handle);
}

/* Each operation that waits. The descriptor has a buffer. */

static void wait_for_interrupt(int fd, __u32 handle)
{
	struct io_demo_wait wait = { .index = victim, .timeout_ms = LONG };

	(void)handle;
	CHECK_ERR(ioctl(fd, VS_IO_WAIT, &wait), ENODEV);
}

/*
 * One may be there before the device goes; then another one is waited for. So it
 * is with all that follows.
 */
static void wait_for_result(int fd, __u32 handle)
{
	int ret;

	(void)handle;
	do
		ret = try_factorial(fd, victim, LARGE, LONG);
	while (!ret);
	CHECK_ERR(ret, ENODEV);
}

static void poll_for_result(int fd, __u32 handle)
{
	struct io_demo_factorial factorial = {
		.index = victim, .n = LARGE, .timeout_ms = LONG,
		.flags = IO_DEMO_POLL,
	};
	int ret;

	(void)handle;
	do
		ret = ioctl(fd, VS_IO_FACTORIAL, &factorial);
	while (!ret);
	CHECK_ERR(ret, ENODEV);
}

static void wait_for_engine(int fd, __u32 handle)
{
	int ret;

	do
		ret = try_run(fd, handle, IO_DEMO_READ, 0, 0, IO_DEMO_POOL_SIZE);
	while (!ret);
	CHECK_ERR(ret, ENODEV);
}

static void measure_interrupts(int fd, __u32 handle)
{
	struct io_demo_irq irq = {
		.index = victim, .half = IO_DEMO_HALF_WORK,
		.count = IO_DEMO_MAX_COUNT,
	};
	int ret;

	(void)handle;
	do
		ret = ioctl(fd, VS_IO_IRQ, &irq);
	while (!ret);
	CHECK_ERR(ret, ENODEV);
}

static void measure_mappings(int fd, __u32 handle)
{
	struct io_demo_dma_cost cost = {
		.index = victim, .size = 4096, .count = IO_DEMO_MAX_COUNT,
	};
	int ret;

	(void)handle;
	do
		ret = ioctl(fd, VS_IO_DMA_COST, &cost);
	while (!ret);
	CHECK_ERR(ret, ENODEV);
}

static const struct operation {
	const char *name;
	void (*run)(int fd, __u32 handle);
	bool sleeps;
} operations[] = {
	{ "wait for an interrupt", wait_for_interrupt, true },
	{ "wait for a result", wait_for_result, true },
	{ "poll for a result", poll_for_result, true },
	{ "wait for the DMA engine", wait_for_engine, true },
	{ "measure interrupts", measure_interrupts, false },
	{ "measure mappings", measure_mappings, false },
};

static void check_gone_for(int fd, __u32 handle)
{
	struct io_demo_edu info = { .index = victim };
	struct io_demo_dma buffer;
	char byte = 0;

	CHECK_ERR(ioctl(fd, VS_IO_EDU, &info), ENODEV);
	CHECK_EQ(info.present, 1u << !victim);
	CHECK_ERR(try_factorial(fd, victim, 5, 1000), ENODEV);
	CHECK_ERR(try_dma(fd, victim, IO_DEMO_DMA_COHERENT, 0, 16, &buffer),
		  ENODEV);
	CHECK_ERR(try_run(fd, handle, IO_DEMO_READ, 0, 0, 1), ENODEV);
	CHECK_ERR(try_copy(fd, handle, IO_DEMO_READ, 0, &byte, 1), ENODEV);
	CHECK_EQ(try_factorial(fd, !victim, 5, 10000), 0);
}

static void check_going(const struct way *way, const struct operation *operation)
{
	char row[80];
	int fd = whole_lab();
	__u32 handle, kept;
	pid_t child;

	snprintf(row, sizeof(row), "%s, %s", way->name, operation->name);
	tap_row(row);
	handle = make_buffer(fd, IO_DEMO_DMA_STREAM);
	kept = make_buffer(fd, IO_DEMO_DMA_POOL);

	CHILD(child)
		operation->run(fd, handle);
	/* What does not sleep goes on until there is no device. */
	if (operation->sleeps)
		WAIT_UNTIL(blocked_in(child, SYS_ioctl));
	way->go();
	check_child(child);
	check_gone_for(fd, handle);
	release(fd, handle);

	way->come();
	WAIT_UNTIL(edu(fd, !victim).present == 3);
	check_works(fd);
	/* The buffer was of the device that went; it is not the new one's. */
	CHECK_ERR(try_run(fd, kept, IO_DEMO_READ, 0, 0, 1), ENODEV);
	close(fd);
}

static void check_goings(const struct way *way)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(operations); i++)
		check_going(way, &operations[i]);
}

TEST_WITHIN(unbind, 90, "what waits for a device that is unbound ends with ENODEV")
{
	check_goings(&ways[0]);
}

TEST_WITHIN(remove, 90, "what waits for a device that is removed ends with ENODEV")
{
	check_goings(&ways[1]);
}

TEST_WITHIN(unplug, 120, "what waits for a device that is unplugged ends with ENODEV")
{
	if (!can_unplug())
		SKIP("this kernel cannot unplug PCI devices");
	check_goings(&ways[2]);
}

TEST_WITHIN(many, 60, "a device that goes ends all that wait for it")
{
	int fd = whole_lab();
	__u32 handle = make_buffer(fd, IO_DEMO_DMA_COHERENT);
	pid_t children[8];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(children); i++)
		CHILD(children[i])
			operations[i % 4].run(fd, handle);
	for (i = 0; i < ARRAY_SIZE(children); i++)
		WAIT_UNTIL(blocked_in(children[i], SYS_ioctl));
	unbind();
	for (i = 0; i < ARRAY_SIZE(children); i++)
		check_child(children[i]);
	bind();
	check_works(fd);
}

TEST_WITHIN(again, 60, "a device that comes and goes at once leaves nothing running")
{
	int fd = whole_lab();
	__u32 handle;
	pid_t child;
	int i;

	for (i = 0; i < 10; i++) {
		handle = make_buffer(fd, IO_DEMO_DMA_STREAM);
		CHILD(child)
			wait_for_engine(fd, handle);
		WAIT_UNTIL(blocked_in(child, SYS_ioctl));
		unbind();
		bind();
		check_child(child);
		release(fd, handle);
	}
	check_works(fd);
}

/* Registers. */
#define IRQ_STATUS	(0x24 / 4)
#define DMA_COMMAND	(0x98 / 4)	/* bit 0: the engine runs */

TEST_WITHIN(line, 60, "a device that is unbound while its engine runs raises no interrupt line")
{
	/* Of the 100 ms that a transfer takes. */
	static const char *const parameters[] = {
		"edu_msi=0 edu_timeout_ms=1", "edu_msi=1 edu_timeout_ms=1",
	};
	const volatile __u32 *registers;
	__u64 others;
	size_t i;
	int fd;

	for (i = 0; i < ARRAY_SIZE(parameters); i++) {
		tap_row(parameters[i]);
		fd = whole_lab_with(parameters[i]);
		try_run(fd, make_buffer(fd, IO_DEMO_DMA_COHERENT), IO_DEMO_READ,
			0, 0, 64);
		unbind();
		registers = map_pci_registers(EDU);
		WAIT_UNTIL(!(registers[DMA_COMMAND] & 1));
		CHECK(pci_command(EDU) & COMMAND_INTX_DISABLE);
		/* Nothing waits for a driver that enables it again. */
		CHECK_EQ(registers[IRQ_STATUS], 0);
		/* Its neighbour on the line is not called for it, and works. */
		others = edu(fd, !victim).others;
		CHECK_EQ(try_factorial(fd, !victim, 5, 10000), 0);
		CHECK_EQ(edu(fd, !victim).others, others);
		bind();
		CHECK_EQ(try_factorial(fd, victim, 5, 10000), 0);
		CHECK_EQ(try_factorial(fd, !victim, 5, 10000), 0);
		close(fd);
	}
	check_works(whole_lab());
}

TEST(orphan, "what a PCI device without a driver has cannot be claimed: it may go")
{
	struct io_demo_claim claim = {
		.space = IO_DEMO_MEMORY, .map = IO_DEMO_MAP_UC, .size = 4096,
	};
	char range[60];
	int fd = whole_lab();

	claim.start = pci_registers(PCI EDU);
	CHECK(claim.start);
	unbind();
	CHECK_ERR(try_claim(fd, &claim), EBUSY);
	claim.flags = IO_DEMO_MANAGED;
	CHECK_ERR(try_claim(fd, &claim), EBUSY);
	close(fd);
	unload_lab();
	snprintf(range, sizeof(range), "reserved=4k@%#llx", claim.start);
	CHECK_EQ(try_load_lab(range), EBUSY);

	/* Where no device is any more, the addresses are free. */
	fd = whole_lab();
	drop();
	claim.flags = 0;
	CHECK_EQ(try_claim(fd, &claim), 0);
	close(fd);
	check_works(whole_lab());
}

TEST(unload, "the laboratory can be unloaded when the file is closed, device or not")
{
	int fd = whole_lab();

	make_buffer(fd, IO_DEMO_DMA_COHERENT);
	CHECK_ERR(syscall(SYS_delete_module, "io_demo", O_NONBLOCK), EWOULDBLOCK);
	unbind();
	CHECK_ERR(syscall(SYS_delete_module, "io_demo", O_NONBLOCK), EWOULDBLOCK);
	close(fd);
	unload_lab();
	check_works(whole_lab());
}
