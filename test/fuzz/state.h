/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the calls of a program share: descriptors, mappings and handles that earlier
 * steps were given, and memory to point to.
 */
#ifndef STATE_H
#define STATE_H

#include "fuzz.h"

enum kind { OF_LINE, OF_OBJECT, OF_RESERVED, NR_KINDS };	/* of descriptors */

#define PAGE		4096u
#define ARENA_PAGES	32
#define ARENA_SIZE	(ARENA_PAGES * PAGE)

/* From a die: a number below this one, and one that is independent of it. */
unsigned int below(__u16 die, unsigned int limit);
__u64 more(__u16 die);

/* Sets up the memory; once in each process. */
void state_init(void);

/* Closes and unmaps all there is, and forgets it. */
void state_clear(void);

void keep_fd(int fd, enum kind kind);
/* Mostly the last one of this kind; also any other one, and none at all. */
int pick_fd(__u16 die, enum kind kind);

void keep_mapping(void *start, size_t length);

struct mapping {
	char *start;
	size_t length;
};

/* One of those that there are; NULL: none. */
struct mapping *pick_mapping(__u16 die);

/* Handles of the two laboratories. */
enum lab { LAB_MEM, LAB_IO, NR_LABS };

void keep_handles(enum lab lab, __u64 first, __u64 count);
__u64 pick_handle(enum lab lab, __u16 die);

/* What an mmap() of the last thing that can be mapped would want. */
extern size_t mappable;

/*
 * A pointer for @n bytes: mostly good, else to where the kernel cannot read, cannot
 * write or comes to the end. *content is where what it points to can be put, and is
 * never bad.
 */
void *pick_pointer(__u16 die, size_t n, void **content);

/* An address of memory that is all good, or one from which nothing can be had. */
void *good_pointer(void);
void *bad_pointer(void);

/*
 * A number of @least to @bound, which is quick, or one that is out of range; very
 * rarely one up to @most, which is slow: this is said in *slow_step.
 */
__u64 pick_count(__u16 die, __u64 least, __u64 bound, __u64 most);
extern volatile bool *slow_step;

/* A number of any size: as many of 3 bits as of 60. */
__u64 any_number(__u16 die);

/* Likewise, of up to so many bits. */
__u64 small_number(__u16 die, unsigned int bits);

/* The ioctls; the table ends with a call that has no name. */
extern const struct call ioctl_calls[];

#endif /* STATE_H */
