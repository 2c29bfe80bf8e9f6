// SPDX-License-Identifier: GPL-2.0
/* What the tests of the serial line share. See line.h. */
#define _GNU_SOURCE

#include <errno.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "line.h"

/* Opening and setting */

int open_path(const char *path, int flags)
{
	int fd = open(path, flags);

	CHECK(fd >= 0);

	return fd;
}

int open_line(int flags)
{
	return open_path(LINE, flags);
}

void set_baud(int fd, __u32 baud)
{
	CHECK_EQ(ioctl(fd, VS_SET_BAUD, &baud), 0);
}

void set_fmt(int fd, struct vser_format fmt)
{
	CHECK_EQ(ioctl(fd, VS_SET_FMT, &fmt), 0);
}

void check_setting(int fd, __u32 baud, struct vser_format fmt)
{
	struct vser_format fmt_now;
	__u32 baud_now;

	CHECK_EQ(ioctl(fd, VS_GET_BAUD, &baud_now), 0);
	CHECK_EQ(baud_now, baud);
	CHECK_EQ(ioctl(fd, VS_GET_FMT, &fmt_now), 0);
	CHECK_EQ(fmt_now.datab, fmt.datab);
	CHECK_EQ(fmt_now.parity, fmt.parity);
	CHECK_EQ(fmt_now.stopb, fmt.stopb);
}

/* Bytes under way */

static int queued(int fd, unsigned long request)
{
	int n;

	CHECK_EQ(ioctl(fd, request, &n), 0);

	return n;
}

int rx_queued(int fd)
{
	return queued(fd, FIONREAD);
}

int tx_queued(int fd)
{
	return queued(fd, TIOCOUTQ);
}

void wait_for_letters(int fd, int n)
{
	WAIT_UNTIL(rx_queued(fd) >= n);
}

void write_bytes(int fd, size_t n)
{
	static const char bytes[FIFO_SIZE];

	CHECK(n <= sizeof(bytes));
	CHECK_EQ(write(fd, bytes, n), n);
}

void drain(int fd)
{
	set_baud(fd, VSER_BAUD_MAX);
	WAIT_UNTIL(!tx_queued(fd));
}

size_t fill(int fd)
{
	static const char bytes[2 * FIFO_SIZE];
	size_t total = 0;
	ssize_t n;

	set_baud(fd, VSER_BAUD_MIN);
	CHECK_EQ(fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK), 0);
	while ((n = write(fd, bytes, sizeof(bytes))) > 0)
		total += n;
	CHECK_EQ(n, -1);
	CHECK_EQ(errno, EAGAIN);

	return total;
}

/* The counters of line 0 */

__u64 counter(const char *name)
{
	unsigned long long value;
	char path[80];
	FILE *file;

	snprintf(path, sizeof(path), CLASS "/vser/stats/%s", name);
	file = fopen(path, "r");
	CHECK(file);
	CHECK_EQ(fscanf(file, "%llu", &value), 1);
	fclose(file);

	return value;
}

struct counters counters(void)
{
	return (struct counters) {
		.tx_written = counter("tx_written"),
		.tx_sent = counter("tx_sent"),
		.tx_queued = counter("tx_queued"),
		.rx_generated = counter("rx_generated"),
		.rx_delivered = counter("rx_delivered"),
		.rx_queued = counter("rx_queued"),
		.rx_overrun = counter("rx_overrun"),
	};
}

void check_books(void)
{
	struct counters now = counters();

	CHECK_EQ(now.tx_written, now.tx_sent + now.tx_queued);
	CHECK_EQ(now.rx_generated,
		 now.rx_delivered + now.rx_queued + now.rx_overrun);
}

bool exists(const char *path)
{
	return !access(path, F_OK);
}

void write_file(const char *path, const char *text)
{
	int fd = open_path(path, O_WRONLY);

	CHECK_EQ(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

bool file_has(const char *path, const char *text)
{
	bool found = false;
	char line[200];
	FILE *file;

	file = fopen(path, "r");
	CHECK(file);
	while (!found && fgets(line, sizeof(line), file))
		found = strstr(line, text);
	fclose(file);

	return found;
}

__u64 pages_given(void)
{
	FILE *file = fopen("/proc/vmstat", "re");
	__u64 sum = 0, pages;
	char line[80];

	CHECK(file);
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "pgalloc_%*s %llu", &pages) == 1)
			sum += pages;
	fclose(file);
	CHECK(sum);

	return sum;
}

/* Time */

__u64 now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);

	return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

void sleep_ms(unsigned int ms)
{
	__u64 end = now_ns() + ms * NSEC_PER_MSEC;

	while (now_ns() < end)
		tap_nap();
}

short poll_for(int fd, short events, int ms)
{
	struct pollfd pollfd = { .fd = fd, .events = events };

	CHECK(poll(&pollfd, 1, ms) >= 0);

	return pollfd.revents;
}

short poll_now(int fd, short events)
{
	return poll_for(fd, events, 0);
}

/* Processes */

pid_t fork_child(void)
{
	pid_t pid = fork();

	CHECK(pid >= 0);

	return pid;
}

void exit_child(void)
{
	_exit(0);
}

void check_child(pid_t pid)
{
	int status;

	CHECK_EQ(waitpid(pid, &status, 0), pid);
	/* It has said why; this only ends its parent too. */
	if (status)
		_exit(1);
}

void kill_child(pid_t pid)
{
	int status;

	CHECK_EQ(kill(pid, SIGKILL), 0);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

bool has_ended(pid_t pid)
{
	siginfo_t info = { .si_pid = 0 };

	CHECK_EQ(waitid(P_PID, pid, &info, WEXITED | WNOHANG | WNOWAIT), 0);

	return info.si_pid;
}

static FILE *open_proc(pid_t pid, const char *name)
{
	char path[40];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	file = fopen(path, "r");
	CHECK(file);

	return file;
}

bool blocked_in(pid_t pid, long call)
{
	long now = -1;
	char state;
	FILE *file;

	file = open_proc(pid, "syscall");
	/* It says "running" unless the process is asleep, or is being woken. */
	if (fscanf(file, "%ld", &now) != 1)
		now = -1;
	fclose(file);
	if (now != call)
		return false;

	/* A process that is being woken, on another CPU, is running in here. */
	file = open_proc(pid, "stat");
	CHECK_EQ(fscanf(file, "%*d (%*[^)]) %c", &state), 1);
	fclose(file);

	return state == 'S' || state == 'D';
}

unsigned long switches_of(pid_t pid)
{
	FILE *file = open_proc(pid, "status");
	unsigned long sum = 0, n;
	char line[200];

	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "voluntary_ctxt_switches: %lu", &n) == 1 ||
		    sscanf(line, "nonvoluntary_ctxt_switches: %lu", &n) == 1)
			sum += n;
	fclose(file);

	return sum;
}

static int signals;

static void count_signal(int sig)
{
	(void)sig;
	__atomic_add_fetch(&signals, 1, __ATOMIC_SEQ_CST);
}

int signals_caught(void)
{
	return __atomic_load_n(&signals, __ATOMIC_SEQ_CST);
}

void catch_sigusr1(int flags)
{
	struct sigaction action = {
		.sa_handler = count_signal,
		.sa_flags = flags,
	};

	CHECK_EQ(sigaction(SIGUSR1, &action, NULL), 0);
}

void signal_child_in(pid_t pid, long call)
{
	WAIT_UNTIL(blocked_in(pid, call));
	do {
		CHECK_EQ(kill(pid, SIGUSR1), 0);
		sleep_ms(50);
	} while (!has_ended(pid));
	check_child(pid);
}

void drop_capability(int capability)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
	__u32 *effective;

	CHECK_EQ(syscall(SYS_capget, &header, data), 0);
	effective = &data[CAP_TO_INDEX(capability)].effective;
	*effective &= ~CAP_TO_MASK(capability);
	CHECK_EQ(syscall(SYS_capset, &header, data), 0);
}

/* Memory */

char *page_end(void)
{
	size_t page = sysconf(_SC_PAGESIZE);
	char *start;

	start = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(start != MAP_FAILED);
	CHECK_EQ(munmap(start + page, page), 0);
	memset(start, 'x', page);

	return start + page;
}

static void *null(void)
{
	return NULL;
}

static void *unmapped(void)
{
	return page_end();
}

static void *of_the_kernel(void)
{
#ifdef __x86_64__
	return (void *)0xffff888000000000;	/* all of memory is mapped here */
#else
	return (void *)-sysconf(_SC_PAGESIZE);
#endif
}

static void *read_only(void)
{
	void *page;

	page = mmap(NULL, sysconf(_SC_PAGESIZE), PROT_READ,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(page != MAP_FAILED);

	return page;
}

const struct bad_address bad_addresses[NR_BAD_TARGETS] = {
	{ "NULL",		null },
	{ "unmapped memory",	unmapped },
	{ "kernel memory",	of_the_kernel },
	{ "read-only memory",	read_only },
};

/* The module */

int try_load_module(const char *name, const char *parameters)
{
	const char *vser = getenv("VSER_KO");
	char path[200];
	int fd, ret;

	if (!vser)
		vser = "/modules/vser.ko";
	snprintf(path, sizeof(path), "%.*s%s.ko",
		 (int)(strrchr(vser, '/') + 1 - vser), vser, name);
	fd = open_path(path, O_RDONLY | O_CLOEXEC);
	ret = syscall(SYS_finit_module, fd, parameters, 0) ? errno : 0;
	close(fd);

	return ret;
}

int try_load(const char *parameters)
{
	return try_load_module("vser", parameters);
}

int try_unload_module(const char *name)
{
	return syscall(SYS_delete_module, name, O_NONBLOCK) ? errno : 0;
}

int try_unload(void)
{
	return try_unload_module("vser");
}

void load(const char *parameters)
{
	CHECK_EQ(try_load(parameters), 0);
}

void unload(void)
{
	CHECK_EQ(try_unload(), 0);
}

void check_gone(void)
{
	CHECK(!exists("/sys/module/vser"));
	CHECK(!exists(CLASS));
	CHECK(!exists(LINE));
	CHECK(!file_has("/proc/devices", " vser\n"));
}

/* The kernel */

bool kernel_before(unsigned int major, unsigned int minor)
{
	unsigned long is_major, is_minor;
	struct utsname name;
	char *rest;

	CHECK_EQ(uname(&name), 0);
	is_major = strtoul(name.release, &rest, 10);
	CHECK(*rest == '.');
	is_minor = strtoul(rest + 1, NULL, 10);

	return is_major < major || (is_major == major && is_minor < minor);
}

static long used_kib(const char *name)
{
	char line[200];
	long kib = -1;
	FILE *file;

	file = fopen("/proc/meminfo", "r");
	CHECK(file);
	while (kib < 0 && fgets(line, sizeof(line), file))
		if (!strncmp(line, name, strlen(name)))
			kib = strtol(line + strlen(name), NULL, 10);
	fclose(file);
	CHECK(kib >= 0);

	return kib;
}

struct usage kernel_usage(void)
{
	/* Nodes that came and went fill the caches of names and inodes. */
	write_file("/proc/sys/vm/drop_caches", "2");

	return (struct usage) {
		.slab = used_kib("Slab:"),
		.vmalloc = used_kib("VmallocUsed:"),
		.percpu = used_kib("Percpu:"),
	};
}

void check_no_growth(const struct usage *start, const struct usage *middle,
		     const struct usage *end, long limit)
{
	CHECK(middle->slab - start->slab < limit ||
	      end->slab - middle->slab < limit);
	CHECK(middle->vmalloc - start->vmalloc < limit ||
	      end->vmalloc - middle->vmalloc < limit);
	CHECK(middle->percpu - start->percpu < limit ||
	      end->percpu - middle->percpu < limit);
}

/* Before each test: as line.h promises, as far as the line lets us. */

static void reset_line(void)
{
	struct vser_format fmt = FMT_8N1;
	__u32 fast = VSER_BAUD_MAX, normal = 115200;
	char bytes[4096];
	int fd, n;

	if (!exists(LINE))
		load("");
	fd = open_line(O_RDWR | O_NONBLOCK);
	ioctl(fd, VS_SET_BAUD, &fast);
	while (!ioctl(fd, TIOCOUTQ, &n) && n)
		tap_nap();
	while (read(fd, bytes, sizeof(bytes)) > 0)
		;
	ioctl(fd, VS_SET_BAUD, &normal);
	ioctl(fd, VS_SET_FMT, &fmt);
	close(fd);
}

static void __attribute__((constructor)) use_reset_line(void)
{
	tap_before_each = reset_line;
}
