/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests share that look at more than line 0 as it is after loading:
 * many lines, their attributes in sysfs, what they are wired to, their books,
 * and bytes that tell when one of them is missing. Goes on where line.h ends.
 */
#ifndef WIRE_H
#define WIRE_H

#include <linux/types.h>
#include <sys/types.h>

#include "line.h"

#define FAULT_OFF	"bit=0 drop=0 dup=0 parity=0 frame=0 break=0 burst=1 seed=1"

/*
 * A test program that has this begins each test with a module that was loaded
 * anew, with that many lines.
 */
#define FRESH_LINES(n)							\
static void __attribute__((constructor)) want_fresh_lines(void)		\
{									\
	begin_with_lines(n);						\
}

void begin_with_lines(unsigned int n);

void with_lines(unsigned int n);
void with_parameters(const char *parameters);

/* The first bytes of the name are those of the node in /dev. */
const char *name_of(unsigned int line);
int open_nth(unsigned int line, int flags);

/* Two descriptors: of the two ends of a null modem, line 0 and line 1. */
struct pair {
	int a;
	int b;
};

/* Wires line 0 and 1 to each other, without pacing, and opens both. */
struct pair open_pair(int flags);

/* Wires line 0 to itself, without pacing, and opens it. */
int open_loopback(int flags);

/* Attributes; values are without a newline. The try returns 0 or an errno. */

void set_attr(unsigned int line, const char *name, const char *value);
void set_attr_number(unsigned int line, const char *name, __u64 value);
int try_attr(unsigned int line, const char *name, const char *value);
int try_attr_bytes(unsigned int line, const char *name, const void *bytes,
		   size_t n);
const char *get_attr(unsigned int line, const char *name);
void check_attr(unsigned int line, const char *name, const char *value);

/* Wires the line as sysfs names it, as in "nullmodem:vser1". */
void wire_line(unsigned int line, const char *far);

/* Books */

__u64 stat_of(unsigned int line, const char *name);

/* The line's books balance. It must be at rest. */
void check_line_books(unsigned int line);

/*
 * Bytes of a row that is as good as random, from number @at on. A byte that is
 * lost, doubled or changed is noticed where the row is read.
 */
__u8 row_byte(__u64 at);
void fill_row(__u8 *bytes, __u64 at, size_t n);
void write_row(int fd, __u64 at, size_t n);
void read_row(int fd, __u64 at, size_t n);

/* As read_row, but no more than this for one read(). */
void read_row_by(int fd, __u64 at, size_t n, size_t most);

/* Reads @n bytes, waiting for them. */
void read_full(int fd, void *to, size_t n);

/* The first @n bytes that can be read are these, and there are no others. */
void check_read(int fd, const void *bytes, size_t n);

/* How many bytes can be read at once, and are thrown away; never waits. */
size_t read_away(int fd);

/* The generator of the first line, unpaced */

/* Starts it anew: the same again, with these faults. Opens the line to read. */
int start_generator(const char *kind, const char *fault);

/* Ends it, throws away what it has sent, and closes the line. */
void stop_generator(int fd);

/* Modem lines and events */

/* The C library lacks these; they are those of <asm/termios.h>. */
#ifndef TIOCM_OUT1
#define TIOCM_OUT1	0x2000
#define TIOCM_OUT2	0x4000
#endif

int modem(int fd);
void set_modem(int fd, unsigned long request, int bits);
struct vser_counters vser_counters(int fd);

/* Takes all events that there are. Leaves the descriptor non-blocking. */
void skip_events(int fd);

/* The next event is this one, and must be there by now. */
void check_event(int fd, __u32 type, __u64 position, __u32 value);
void check_no_event(int fd);

/* Sends SIGUSR1 once to a process that waits in this call. */
void signal_once_in(pid_t pid, long call);

#endif /* WIRE_H */
