// SPDX-License-Identifier: GPL-2.0
/*
 * Loading and unloading: parameters, lines that are in use, a program that
 * opens the line while it comes into being, and that nothing is left behind.
 *
 * TEST_CYCLES: how often the line's module is loaded to see if that leaks (1000), and
 * how often all three are (100); a twentieth of it how often a program tries to be
 * early (50); in a 32-bit program, a tenth, but 40 at least.
 */
#define _GNU_SOURCE

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io.h"
#include "line.h"
#include "mem.h"

#define FEWEST_CYCLES	40	/* so that each node is tried once */

static unsigned int nr_cycles(unsigned int usual)
{
	const char *text = getenv("TEST_CYCLES");
	unsigned int cycles = usual;

	if (text)
		cycles = atoi(text);
	/* This is about the module, not about its callers. */
	if (sizeof(long) < 8)
		cycles /= 10;

	return cycles > FEWEST_CYCLES ? cycles : FEWEST_CYCLES;
}

/* Without this, most of the time of an unload is spent waiting. */
static void hurry(bool on)
{
	write_file("/sys/kernel/rcu_expedited", on ? "1" : "0");
}

/* Unloads what the test has found, and loads what it needs. */
static void reload(const char *parameters)
{
	unload();
	load(parameters);
}

TEST(unload, "nothing of the line is left when the module was unloaded")
{
	unload();
	check_gone();
}

TEST(lines_invalid, "a number of lines out of range is EINVAL, and leaves nothing")
{
	static const char *const parameters[] = {
		"lines=0", "lines=1025", "lines=4294967295", "lines=-1",
		"lines=x", "lines=1x", "lines=", "lines",
	};
	size_t i;

	unload();
	for (i = 0; i < ARRAY_SIZE(parameters); i++) {
		tap_row(parameters[i]);
		CHECK_EQ(try_load(parameters[i]), EINVAL);
		check_gone();
	}
}

TEST(lines, "lines=3 makes three lines that know nothing of each other")
{
	static const char *const paths[] = {
		"/dev/vser", "/dev/vser1", "/dev/vser2"
	};
	int fds[ARRAY_SIZE(paths)];
	size_t i;

	reload("lines=3");
	CHECK(file_has("/sys/module/vser/parameters/lines", "3\n"));
	CHECK(!exists("/dev/vser0"));
	CHECK(!exists("/dev/vser3"));
	for (i = 0; i < ARRAY_SIZE(paths); i++) {
		tap_row(paths[i]);
		fds[i] = open_path(paths[i], O_RDWR | O_NONBLOCK);
		CHECK_ERR(open(paths[i], O_RDWR), EBUSY);
	}
	set_baud(fds[0], 50);
	set_fmt(fds[1], FMT_8E2);
	check_setting(fds[0], 50, FMT_8N1);
	check_setting(fds[1], 115200, FMT_8E2);
	check_setting(fds[2], 115200, FMT_8N1);

	write_bytes(fds[0], 100);
	CHECK_EQ(tx_queued(fds[1]), 0);
	CHECK_EQ(tx_queued(fds[2]), 0);
	CHECK_EQ(counter("tx_written"), 100);
	CHECK(file_has(CLASS "/vser1/stats/tx_written", "0\n"));

	close(fds[2]);
	CHECK_ERR(open(paths[0], O_RDWR), EBUSY);
	CHECK_ERR(open(paths[1], O_RDWR), EBUSY);
	fds[2] = open_path(paths[2], O_RDWR);
	for (i = 0; i < ARRAY_SIZE(paths); i++)
		wait_for_letters(fds[i], 1);
	for (i = 0; i < ARRAY_SIZE(paths); i++)
		close(fds[i]);
	reload("");
	CHECK(!exists(paths[1]));
}

TEST_WITHIN(lines_most, 60, "1024 lines can be made, and go again")
{
	reload("lines=1024");
	close(open_path("/dev/vser1023", O_RDWR));
	CHECK(!exists("/dev/vser1024"));
	unload();
	check_gone();
	CHECK(!exists("/dev/vser1023"));
}

static void check_pinned(int flags)
{
	int fd = open_line(flags);

	CHECK_EQ(try_unload(), EWOULDBLOCK);
	set_baud(fd, 9600);
	check_setting(fd, 9600, FMT_8N1);
	close(fd);
	reload("");
}

TEST(unload_open, "the module cannot be unloaded while a line is open")
{
	char letter;
	int fd;

	check_pinned(CONTROL_ONLY);
	check_pinned(O_RDONLY);
	check_pinned(O_WRONLY);
	fd = open_line(O_RDWR);
	CHECK_EQ(try_unload(), EWOULDBLOCK);
	write_bytes(fd, 10);
	CHECK_EQ(read(fd, &letter, 1), 1);
	drain(fd);
	CHECK_EQ(counter("tx_sent"), 10);
}

TEST(unload_sending, "the module can be unloaded while a closed line still sends")
{
	static const __u32 bauds[] = { 50, 9600, 115200, VSER_BAUD_MAX };
	size_t i;
	int fd;

	for (i = 0; i < ARRAY_SIZE(bauds); i++) {
		fd = open_line(O_WRONLY);
		set_baud(fd, bauds[i]);
		write_bytes(fd, FIFO_SIZE);
		close(fd);
		reload("");
	}
}

TEST(unload_statistics, "a counter that is open outlives its line")
{
	int fd = open_path(CLASS "/vser/stats/tx_sent", O_RDONLY);
	char text[20];

	CHECK(read(fd, text, sizeof(text)) > 0);
	unload();
	CHECK_ERR(pread(fd, text, sizeof(text), 0), ENODEV);
}

/*
 * A program that opens the line again and again while the module is loaded, by
 * the node that it gets and by one that was there before.
 */

#define OWN_NODE	"/dev/vser-test"

static struct {
	int trying;	/* number of the load that the opener is trying to open */
	int opened;	/* number of the last load that it has opened */
	int unloaded;	/* number of the last load that was unloaded again */
} *race;

static int look(int *number)
{
	return __atomic_load_n(number, __ATOMIC_SEQ_CST);
}

static void tell(int *number, int value)
{
	__atomic_store_n(number, value, __ATOMIC_SEQ_CST);
}

/* The first look at a line that was opened as soon as that was possible. */
static void check_new_line(int fd, bool wait_for_letter)
{
	char letter;

	check_setting(fd, 115200, FMT_8N1);
	CHECK_EQ(rx_queued(fd), 0);
	CHECK_EQ(tx_queued(fd), 0);
	CHECK_EQ(poll_now(fd, POLLIN | POLLOUT), POLLOUT);
	CHECK_ERR(read(fd, &letter, 1), EAGAIN);
	CHECK_EQ(write(fd, "x", 1), 1);
	set_baud(fd, 300);
	if (wait_for_letter)
		wait_for_letters(fd, 1);
}

static void open_each_load(int loads)
{
	const char *path;
	int load, fd;

	/* All that loading and unloading waits for goes first. */
	CHECK_EQ(nice(19), 19);
	for (load = 1; load <= loads; load++) {
		path = load % 2 ? LINE : OWN_NODE;
		WAIT_UNTIL(look(&race->unloaded) == load - 1);
		tell(&race->trying, load);
		while ((fd = open(path, O_RDWR | O_NONBLOCK)) < 0)
			CHECK(errno == ENOENT || errno == ENXIO);
		check_new_line(fd, load > loads - 2);
		close(fd);
		tell(&race->opened, load);
	}
}

static void make_own_node(void)
{
	struct stat st;

	CHECK_EQ(stat(LINE, &st), 0);
	unlink(OWN_NODE);
	CHECK_EQ(mknod(OWN_NODE, S_IFCHR | 0600, st.st_rdev), 0);
}

/* How often, and so how long, is up to whoever runs this program. */
TEST_WITHIN(half_made, 24 * 3600, "nobody ever sees a line that is half made")
{
	int loads = nr_cycles(1000) / 20;
	pid_t opener;
	int i;

	race = mmap(NULL, sizeof(*race), PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(race != MAP_FAILED);
	make_own_node();
	unload();
	hurry(true);
	CHILD(opener)
		open_each_load(loads);
	for (i = 1; i <= loads && !has_ended(opener); i++) {
		WAIT_UNTIL(look(&race->trying) == i);
		load("");
		WAIT_UNTIL(look(&race->opened) == i || has_ended(opener));
		unload();
		tell(&race->unloaded, i);
	}
	hurry(false);
	check_child(opener);
	unlink(OWN_NODE);
}

/* What is left after many cycles */

static void use_line(void)
{
	char letter;
	int fd = open_line(O_RDWR | O_NONBLOCK);

	set_baud(fd, 9600);
	check_setting(fd, 9600, FMT_8N1);
	write_bytes(fd, 100);
	CHECK_ERR(read(fd, &letter, 1), EAGAIN);
	close(fd);
}

static void use_memory_laboratory(void)
{
	int fd = open_mem();

	mem_free_one(fd, mem_one(fd, MEM_CACHE, MEM_GFP_KERNEL, 256));
	/* An object that the file takes along. */
	mem_one(fd, MEM_VMALLOC, MEM_GFP_KERNEL, 10000);
	close(fd);
}

static void use_hardware_laboratory(void)
{
	int fd = lab("");

	release(fd, claim_ports(fd, TEST_PORTS, 4));
	CHECK_EQ(try_factorial(fd, 0, 5, 10000), 0);
	dma(fd, IO_DEMO_DMA_COHERENT, 4096);
	close(fd);
}

/* What is loaded, used, and unloaded again. */

static void cycle_line(void)
{
	load("");
	use_line();
	unload();
}

static void cycle_all(void)
{
	load("");
	use_line();
	use_memory_laboratory();
	use_hardware_laboratory();
	unload_lab();
	CHECK_EQ(try_unload_mem(), 0);
	unload();
}

static struct usage usage_after(void (*cycle)(void), unsigned int cycles)
{
	while (cycles--)
		cycle();

	return kernel_usage();
}

/*
 * The limit, for 1000 cycles, is a quarter of a kilobyte each, far less than what
 * makes up a line; for more or fewer cycles it is the same, as caches fill up.
 */
static void check_no_leak(void (*cycle)(void), unsigned int cycles)
{
	unsigned int half = cycles / 2;
	struct usage start, middle, end;

	unload();
	hurry(true);
	start = usage_after(cycle, half / 5 + 1);
	middle = usage_after(cycle, half);
	end = usage_after(cycle, half);
	hurry(false);
	check_gone();
	if (exists("/sys/kernel/debug/kmemleak"))
		SKIP("debugging uses memory; kmemleak looks for leaks here");

	check_no_growth(&start, &middle, &end, 125);
}

/* The time is the same, too: whoever runs this program sets one. */
TEST_WITHIN(no_leak, 24 * 3600, "memory is where it was after many cycles of use")
{
	check_no_leak(cycle_line, nr_cycles(1000));
}

TEST_WITHIN(no_leak_of_any, 24 * 3600, "and after as many of all three modules")
{
	check_no_leak(cycle_all, nr_cycles(100));
}
