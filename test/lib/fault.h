/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Fault injection: what the kernel asks for on behalf of this process, memory or a
 * piece of the process's memory, is refused when its turn comes.
 */
#ifndef FAULT_H
#define FAULT_H

#include <stdbool.h>

/*
 * Makes all faults possible that we want, without a word in the log. Skips the
 * test on a kernel that cannot.
 */
void prepare_faults(void);

/*
 * Where nothing of the program is: to map something there, the kernel has to make
 * page tables, which it may be refused.
 */
#define FAR_AWAY	((void *)0x50000000)

/* Sets a file of /sys/kernel/debug/FAULT/, if there is such a fault. */
void set_fault(const char *fault, const char *knob, const char *value);

/* The n-th request that the kernel makes for this process will be refused. */
void refuse(unsigned int n);

/*
 * For another process, in the middle of a use: waits until what refuse() began has
 * ended, so that what is used must outlive a load that fails meanwhile.
 */
void wait_for_refused(void);

/* How many requests are still to come until one is refused. */
unsigned int requests_left(void);

/* Ends what refuse() began. Returns false if nothing was refused. */
bool was_refused(void);

/*
 * A program may define this. It is called after each refusal of sweep(), which has
 * looked if the line still answers, to see that all else is as it should be.
 */
void check_after_refusal(void);

/*
 * Refuses the first thing that the call asks for, then the second, and so on,
 * until it gets all it wants. The call returns 0 or an errno, which may only be
 * ENOMEM or EFAULT. Returns how many refusals there were, at least one.
 */
unsigned int sweep(int (*call)(int fd), int fd);

/* The same for a call that may also return this errno. */
unsigned int sweep_for(int (*call)(int fd), int fd, int also);

/*
 * Which of the requests that are made for a load of a module it is to be refused:
 * those from first to last, in steps. What comes before is the kernel's alone.
 */
struct load_requests {
	unsigned int first;
	unsigned int last;
	unsigned int step;
};

/*
 * Loads a module, which is not loaded, and unloads it, to find out; @invalid are
 * parameters with which it cannot be loaded.
 *
 * Some kernels take seconds to unload a module. There the steps are such that all
 * of it takes half a minute, or so: TEST_SWEEP seconds, if that is set.
 */
struct load_requests requests_of_load(const char *module, const char *invalid,
				      const char *parameters);

/*
 * Unloads a module that another process opens again and again: waits until it has
 * it closed.
 */
void unload_opened(const char *module);

/*
 * Does as sweep() with loading a module. Loading may also fail with this errno.
 * Where it was not loaded, nothing may be left of it.
 */
void sweep_load(const char *module, const char *invalid, const char *parameters,
		int also, void (*check_gone)(void));

#endif /* FAULT_H */
