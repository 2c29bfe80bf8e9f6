/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests of the memory laboratory share. Whatever fails in here fails the
 * test that called it. The module is loaded at the first open_mem(), if it is not.
 */
#ifndef MEM_H
#define MEM_H

#include "line.h"
#include "mem_demo.h"

int try_load_mem(const char *parameters);
int try_unload_mem(void);

/* Unloads the module, if it is loaded, and loads it with these parameters. */
void reload_mem(const char *parameters);

/* A control-only descriptor of the line, with the laboratory loaded. */
int open_mem(void);

struct mem_info mem_info(int fd);
struct mem_allocator mem_allocator(int fd, __u32 id);

/* printk's %pK shows addresses where this is 1, to whoever has CAP_SYSLOG. */
void show_addresses(bool yes);

/* Flags that suit the allocator: GFP_KERNEL if it takes that, else NOWAIT. */
__u32 mem_gfp(const struct mem_allocator *allocator);

/* What MEM_ALLOC wants to be told for one object of the allocator's liking. */
struct mem_alloc mem_request(int fd, __u32 id);
struct mem_bench mem_bench_request(int fd, __u32 id);

/* Holds what the request says; returns the first handle. */
__u64 mem_hold(int fd, struct mem_alloc request);

/* Holds one object. */
__u64 mem_one(int fd, __u32 id, __u32 gfp, __u64 size);

void mem_free_one(int fd, __u64 handle);
struct mem_show mem_show(int fd, __u64 handle);

/* Object and memory, by MEM_READ and MEM_WRITE. */
int mem_read(int fd, __u64 handle, __u64 offset, void *buffer, __u32 length);
int mem_write(int fd, __u64 handle, __u64 offset, const void *buffer,
	      __u32 length);

/* Is what is told of slab objects what /sys/kernel/slab tells of their caches? */
void check_slab_figures(int fd);

/* Nobody holds anything: neither this file nor any other. */
void check_nothing_held(int fd);

/* For a loop over all allocators: the row's name is reported with what fails. */
#define FOR_EACH_ALLOCATOR(fd, allocator)				\
	for ((allocator) = mem_allocator(fd, 1);			\
	     (allocator).id;						\
	     (allocator) = mem_next_allocator(fd, (allocator).id))

struct mem_allocator mem_next_allocator(int fd, __u32 id);

/* Every ioctl of the laboratory. */
struct mem_call {
	const char *name;
	unsigned long number;
	size_t size;
};

#define NR_MEM_CALLS	19

extern const struct mem_call mem_calls[NR_MEM_CALLS];

#endif /* MEM_H */
