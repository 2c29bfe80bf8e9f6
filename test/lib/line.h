/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests of the serial line share. Whatever fails in here fails the
 * test that called it. Each test starts with a line that is closed, empty and
 * set to 115200 8N1; where the module is not loaded, it is loaded first.
 */
#ifndef LINE_H
#define LINE_H

#include <fcntl.h>
#include <linux/types.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/types.h>

#include "tap.h"
#include "vser.h"

#define LINE		"/dev/vser"
#define CLASS		"/sys/class/vser"
#define CONTROL_ONLY	(O_WRONLY | O_RDWR)	/* access mode 3 of open(2) */
#define FIFO_SIZE	65536			/* bytes per direction */
#define NSEC_PER_MSEC	1000000ULL
#define NSEC_PER_SEC	1000000000ULL

/* Opening and setting */

int open_line(int flags);
int open_path(const char *path, int flags);
void set_baud(int fd, __u32 baud);
void set_fmt(int fd, struct vser_format fmt);
void check_setting(int fd, __u32 baud, struct vser_format fmt);

#define FMT_8N1		((struct vser_format) { 8, VSER_PARITY_NONE, 1 })
#define FMT_8E2		((struct vser_format) { 8, VSER_PARITY_EVEN, 2 })

/* Bytes under way */

int rx_queued(int fd);
int tx_queued(int fd);
void wait_for_letters(int fd, int n);
void write_bytes(int fd, size_t n);

/* Sends at full speed what is queued, and waits until all is sent. */
void drain(int fd);

/*
 * Makes the line slow, 200 ms for a frame, and writes until there is no room.
 * Returns how much that was. Makes the descriptor a non-blocking one. When the
 * frame on the line has ended, there is room again: a test that needs a line
 * that is full must see that it was, and else do the same again.
 */
size_t fill(int fd);

/* The counters of line 0 */

struct counters {
	__u64 tx_written;
	__u64 tx_sent;
	__u64 tx_queued;
	__u64 rx_generated;
	__u64 rx_delivered;
	__u64 rx_queued;
	__u64 rx_overrun;
};

__u64 counter(const char *name);
struct counters counters(void);
void check_books(void);

bool exists(const char *path);
void write_file(const char *path, const char *text);

/* Does a line of the file have this in it? The line ends with "\n". */
bool file_has(const char *path, const char *text);

/* How many pages the kernel has given so far, to anybody. */
__u64 pages_given(void);

/* Time */

__u64 now_ns(void);
void sleep_ms(unsigned int ms);

/* What poll() answers, at once or after this time at most. */
short poll_for(int fd, short events, int ms);
short poll_now(int fd, short events);

/* Processes */

/* Runs what follows in a child process, whose number goes to pid. */
#define CHILD(pid)	for ((pid) = fork_child(); !(pid); exit_child())

pid_t fork_child(void);
void exit_child(void);
void check_child(pid_t pid);
void kill_child(pid_t pid);

bool has_ended(pid_t pid);

/*
 * Is the process asleep in this system call? One that was woken is not, even if no
 * CPU has got to it yet.
 */
bool blocked_in(pid_t pid, long call);

/* How often the process was taken off its CPU: if it sleeps, it never ran between. */
unsigned long switches_of(pid_t pid);

/* Has SIGUSR1 caught by a handler that only counts. */
void catch_sigusr1(int flags);
int signals_caught(void);

/* Sends SIGUSR1 to a process that is in this call, until it has ended well. */
void signal_child_in(pid_t pid, long call);

/* The process loses a capability, by number, for good. */
void drop_capability(int capability);

/* Memory */

/* The end of a page full of 'x', behind which there is no memory. */
char *page_end(void);

/* Addresses from which the kernel cannot copy, and to which it cannot. */
struct bad_address {
	const char *name;
	void *(*get)(void);
};

#define NR_BAD_SOURCES	3
#define NR_BAD_TARGETS	4

extern const struct bad_address bad_addresses[NR_BAD_TARGETS];

/* The module; the tries return 0 or an errno. */

int try_load(const char *parameters);
/* A module that lies beside vser.ko. */
int try_load_module(const char *name, const char *parameters);
int try_unload_module(const char *name);
int try_unload(void);
void load(const char *parameters);
void unload(void);

/* There is no trace of the module. */
void check_gone(void);

/* Is the kernel older than this version? */
bool kernel_before(unsigned int major, unsigned int minor);

/* What the kernel itself uses, in KiB, when its caches were asked to shrink. */
struct usage {
	long slab;
	long vmalloc;
	long percpu;
};

struct usage kernel_usage(void);

/*
 * Something came and went as often until @middle as until @end. A leak grows by
 * the same amount in each half, caches that fill up do not: in one of the halves,
 * at least, it must be less than @limit KiB.
 */
void check_no_growth(const struct usage *start, const struct usage *middle,
		     const struct usage *end, long limit);

#endif /* LINE_H */
