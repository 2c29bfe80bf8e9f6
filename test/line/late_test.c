// SPDX-License-Identifier: GPL-2.0
/*
 * Memory of a program that is late, or never comes: the program waits for it, and
 * nobody else does. userfaultfd(2) has a page come when a test wants it.
 */
#define _GNU_SOURCE

#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

#include "wire.h"

FRESH_LINES(4)

/* Two pages, which processes share: the first is there, the second is late. */
static struct {
	int fd;		/* of userfaultfd, of the process that is late */
	size_t size;	/* of a page */
	char *pages;
} late;

#define BEFORE	100	/* bytes of a buffer that are in the first page */
#define AFTER	100	/* and in the second */

static void make_late(void)
{
	if (!exists("/proc/sys/vm/unprivileged_userfaultfd"))
		SKIP("this kernel has no userfaultfd");
	late.size = sysconf(_SC_PAGESIZE);
	late.pages = mmap(NULL, 2 * late.size, PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(late.pages != MAP_FAILED);
	memset(late.pages + late.size - BEFORE, 'x', BEFORE);
}

/* Where the process that is late tells the number of its descriptor. */
static int *told_fd(void)
{
	return (int *)late.pages;
}

/* The second page is late for this process from now on. */
static void be_late(void)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register range = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	int fd = syscall(SYS_userfaultfd, O_CLOEXEC);

	CHECK(fd >= 0);
	CHECK_EQ(ioctl(fd, UFFDIO_API, &api), 0);
	range.range.start = (unsigned long)late.pages + late.size;
	range.range.len = late.size;
	CHECK_EQ(ioctl(fd, UFFDIO_REGISTER, &range), 0);
	__atomic_store_n(told_fd(), fd, __ATOMIC_SEQ_CST);
}

static char *late_buffer(void)
{
	return late.pages + late.size - BEFORE;
}

/* Has the second page come, with these bytes at its start. */
static void bring(const void *bytes, size_t n)
{
	struct uffdio_copy copy = { .len = late.size };
	char *page = mmap(NULL, late.size, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(page != MAP_FAILED);
	memcpy(page, bytes, n);
	copy.dst = (unsigned long)late.pages + late.size;
	copy.src = (unsigned long)page;
	CHECK_EQ(ioctl(late.fd, UFFDIO_COPY, &copy), 0);
	munmap(page, late.size);
}

/* A process that is in a call, and waits for its memory there. */
static void wait_until_late(pid_t pid, long call)
{
	struct pollfd pollfd = { .events = POLLIN };
	struct uffd_msg msg;
	int pidfd;

	WAIT_UNTIL(__atomic_load_n(told_fd(), __ATOMIC_SEQ_CST));
	pidfd = syscall(SYS_pidfd_open, pid, 0);
	CHECK(pidfd >= 0);
	late.fd = syscall(SYS_pidfd_getfd, pidfd, *told_fd(), 0);
	CHECK(late.fd >= 0);
	close(pidfd);

	pollfd.fd = late.fd;
	CHECK_EQ(poll(&pollfd, 1, -1), 1);
	CHECK_EQ(read(late.fd, &msg, sizeof(msg)), sizeof(msg));
	CHECK_EQ(msg.event, UFFD_EVENT_PAGEFAULT);
	WAIT_UNTIL(blocked_in(pid, call));
}

/*
 * Lines 0 and 1 are a null modem. A reader of line 0, or a writer, is late. Both are
 * open more than once.
 */
static struct stuck {
	struct pair pair;
	pid_t pid;
} stick(bool reads)
{
	struct stuck stuck;

	make_late();
	set_attr(0, "exclusive", "0");
	stuck.pair = open_pair(O_RDWR);
	if (reads)
		write_row(stuck.pair.b, 0, BEFORE + AFTER);
	CHILD(stuck.pid) {
		be_late();
		CHECK_EQ(reads ? read(stuck.pair.a, late_buffer(), BEFORE + AFTER) :
				 write(stuck.pair.a, late_buffer(), BEFORE + AFTER),
			 0);
	}
	wait_until_late(stuck.pid, reads ? SYS_read : SYS_write);

	return stuck;
}

static void set_all(unsigned int line)
{
	set_attr(line, "fifo", "1024");
	set_attr(line, "baud", "9600");
	set_attr(line, "format", "7E1");
	set_attr(line, "format", "8N1");
	set_attr(line, "fault", "drop=0");
	set_attr(line, "latency_ns", "1000000");
	set_attr(line, "generator", "counter");
	set_attr(line, "flow", "rtscts");
}

static void check_others_go_on(struct stuck stuck)
{
	unsigned int line;
	int fd;

	for (line = 0; line < 4; line++) {
		tap_row(name_of(line));
		set_all(line);
		close(open_nth(line, CONTROL_ONLY));
	}
	tap_row("line 2 and 3");
	wire_line(2, "nullmodem:vser3");
	close(open_nth(2, O_RDWR));
	tap_row("another descriptor of the line");
	fd = open_line(O_RDWR | O_NONBLOCK);
	CHECK(poll_now(fd, POLLIN | POLLOUT) & POLLOUT);
	set_modem(fd, TIOCMBIC, TIOCM_RTS);
	set_modem(fd, TIOCMBIS, TIOCM_RTS);
	write_row(fd, 1000, 10);
	read_row(stuck.pair.b, 1000, 10);
	CHECK_EQ(ioctl(fd, TCFLSH, TCOFLUSH), 0);
	close(fd);
	tap_row("another wire");
	wire_line(0, "loopback");
	wire_line(0, "nullmodem:vser1");
	tap_row(NULL);
}

TEST(reader, "a reader whose memory does not come holds up nobody, and loses nothing")
{
	struct stuck stuck = stick(true);
	int fd;

	check_others_go_on(stuck);
	kill_child(stuck.pid);
	fd = open_line(O_RDWR | O_NONBLOCK);
	read_row(fd, 0, BEFORE + AFTER);
	check_line_books(0);
	check_line_books(1);
}

TEST(reader_other, "what a reader whose memory does not come would get, another one gets")
{
	struct stuck stuck = stick(true);
	int fd = open_line(O_RDWR | O_NONBLOCK);

	read_row(fd, 0, BEFORE + AFTER);
	write_row(stuck.pair.b, 200, BEFORE + AFTER);
	CHECK_EQ(ioctl(fd, TCFLSH, TCIFLUSH), 0);
	CHECK_EQ(rx_queued(fd), 0);
	kill_child(stuck.pid);
	check_line_books(0);
}

TEST(writer, "a writer whose memory does not come holds up nobody, and writes nothing")
{
	struct stuck stuck = stick(false);

	check_others_go_on(stuck);
	kill_child(stuck.pid);
	CHECK_EQ(stat_of(0, "tx_written"), 10);
	check_line_books(0);
	check_line_books(1);
}

TEST(reader_comes, "a reader whose memory comes late gets all that there is")
{
	__u8 wanted[BEFORE + AFTER];
	pid_t reader;
	struct pair pair;

	make_late();
	pair = open_pair(O_RDWR);
	write_row(pair.b, 0, BEFORE + AFTER);
	CHILD(reader) {
		be_late();
		CHECK_EQ(read(pair.a, late_buffer(), 2 * BEFORE), BEFORE + AFTER);
		fill_row(wanted, 0, BEFORE + AFTER);
		CHECK(!memcmp(late_buffer(), wanted, BEFORE + AFTER));
	}
	wait_until_late(reader, SYS_read);
	bring("", 1);
	check_child(reader);
	CHECK_EQ(rx_queued(pair.a), 0);
	CHECK_EQ(stat_of(0, "rx_delivered"), BEFORE + AFTER);
	check_line_books(0);
}

TEST(writer_comes, "a writer whose memory comes late writes it in one piece")
{
	__u8 row[BEFORE + AFTER];
	pid_t writer;
	struct pair pair;

	make_late();
	set_attr(0, "exclusive", "0");
	pair = open_pair(O_RDWR);
	fill_row(row, 0, sizeof(row));
	memcpy(late_buffer(), row, BEFORE);
	CHILD(writer) {
		be_late();
		CHECK_EQ(write(pair.a, late_buffer(), sizeof(row)), sizeof(row));
	}
	wait_until_late(writer, SYS_write);
	/* In between comes another one. */
	write_row(pair.a, 1000, 10);
	bring(row + BEFORE, AFTER);
	check_child(writer);
	read_row(pair.b, 1000, 10);
	read_row(pair.b, 0, sizeof(row));
	check_line_books(0);
	check_line_books(1);
}

TEST(events, "a thread whose memory does not come takes no event from another one")
{
	struct pair pair;
	pid_t reader;

	make_late();
	pair = open_pair(O_RDWR);
	skip_events(pair.a);
	set_modem(pair.b, TIOCMBIS, TIOCM_OUT1);
	CHILD(reader) {
		be_late();
		CHECK_ERR(ioctl(pair.a, VS_READ_EVENT, late.pages + late.size),
			  EAGAIN);
	}
	wait_until_late(reader, SYS_ioctl);
	check_event(pair.a, VSER_EVENT_MODEM, 0,
		    TIOCM_CTS | TIOCM_DSR | TIOCM_CD | TIOCM_RI);
	check_no_event(pair.a);
	bring("", 1);
	check_child(reader);
}

TEST(exit, "a process with rings exits while a writer waits for its memory")
{
	struct stuck stuck = stick(false);
	struct vser_ring set = { .tx_size = 65536 };
	struct vser_ring_page *page;
	char *memory;
	pid_t pid;

	CHILD(pid) {
		int fd = open_line(O_RDWR);

		CHECK_EQ(ioctl(fd, VS_SET_RING, &set), 0);
		memory = mmap(NULL, set.length, PROT_READ | PROT_WRITE, MAP_SHARED,
			      fd, 0);
		CHECK(memory != MAP_FAILED);
		page = (void *)memory;
		memory[set.tx_offset + (page->tx_in & (set.tx_size - 1))] = 'r';
		__atomic_store_n(&page->tx_in, page->tx_in + 1, __ATOMIC_RELEASE);
	}
	check_child(pid);
	CHECK_EQ(stat_of(0, "tx_written"), 1);
	check_read(stuck.pair.b, "r", 1);
	kill_child(stuck.pid);
	check_line_books(0);
}
