// SPDX-License-Identifier: GPL-2.0
/*
 * The figures of slab objects on a kernel that was told, on its command line, to put
 * guards, patterns and records into every slab: no module can see the flag.
 */
#define _GNU_SOURCE

#include <stdio.h>

#include "mem.h"

TEST_WITHIN(slab, 60, "with slub_debug=FZPU, figures are those of the longer objects")
{
	FILE *file = fopen("/sys/kernel/slab/kmalloc-128/store_user", "r");

	/* It did take effect. */
	CHECK(file);
	CHECK_EQ(getc(file), '1');
	fclose(file);
	check_slab_figures(open_mem());
}
