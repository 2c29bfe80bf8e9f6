// SPDX-License-Identifier: GPL-2.0
/*
 * vserctl mem - the memory laboratory: its commands, and what it is
 */
#include <argp.h>
#include <stdlib.h>

#include "mem.h"
#include "table.h"
#include "vserctl.h"

static const struct command mem_commands[] = {
	{ "info", "what this kernel's memory is like, and the quotas",
	  mem_info_command },
	{ "list", "the allocators, with what they take", mem_list_command },
	{ "show", "where an allocation lands, and what it takes", mem_show_command },
	{ "walk", "the page tables behind an address", mem_walk_command },
	{ "hold", "hold many objects while a command runs", mem_hold_command },
	{ "resize", "krealloc(): when does it move?", mem_resize_command },
	{ "buddy", "which free blocks are split, and merge again", mem_buddy_command },
	{ "fragment", "memory that is free, and yet not to be had",
	  mem_fragment_command },
	{ "bench", "what an allocation costs, and its distribution",
	  mem_bench_command },
	{ "limits", "the largest allocation that is granted", mem_limits_command },
	{ "gfp", "which flags go with which allocator and context", mem_gfp_command },
	{ "mmap", "kernel memory in a process, in three ways", mem_mmap_command },
	{ "percpu", "CPUs that count without a lock", mem_percpu_command },
	{ "mempool", "a reserve for when there is no memory", mem_mempool_command },
	{ "devm", "memory that goes with its device", mem_devm_command },
	{ "dma", "memory that a device reaches", mem_dma_command },
	{ "user", "malloc, demand paging, locked and read-only memory",
	  mem_user_command },
	{ }
};

static const struct command_group mem_group = {
	.purpose = "Run the kernel's memory allocators, look at what they give, and "
		   "measure them.",
	.details =
	"The laboratory is the kernel module mem_demo; it is reached through "
	"/dev/vser and needs CAP_SYS_ADMIN. All that a command allocates is freed "
	"when it ends, however it ends. The laboratory never wakes the OOM killer: "
	"there are quotas (vserctl mem info), which only --unlimited goes beyond, and "
	"what would make the kernel complain is "
	"refused with the reason.\n"
	"\n"
	"Kernel and physical addresses are shown in full only to a caller with "
	"CAP_SYSLOG while the sysctl kernel.kptr_restrict is 1. Otherwise an address "
	"stands as +OFFSET in its page or region.\n"
	"\n"
	"Every command prints a table, with --json JSON and with --raw words. What "
	"this kernel cannot tell is null or \"-\", with a note that says why.\n"
	"\n"
	"Exit status: 0; 1 if something failed; 2 if the command line is wrong.\n"
	"\n"
	"Examples:\n"
	"  vserctl mem show\n"
	"  vserctl mem show kmalloc --size 300 --long\n"
	"  vserctl mem walk vmalloc\n"
	"  vserctl mem hold kmalloc --size 256 --count 10000 --compare -- \\\n"
	"          grep kmalloc-256 /proc/slabinfo\n"
	"  vserctl mem bench kmalloc vmalloc --size 4096 --plot latency.svg\n"
	"\n"
	"docs/memory.md is a guided tour.",
	.commands = mem_commands,
};

int mem_command(int argc, char **argv)
{
	return run_command(&mem_group, argc, argv);
}
