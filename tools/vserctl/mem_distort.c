// SPDX-License-Identifier: GPL-2.0
/*
 * vserctl mem - what makes times mean little: debug options that were built in,
 * those that the kernel's command line has given to slab caches, and a slow clock
 */
#include <dirent.h>
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include "mem.h"
#include "vserctl.h"

#define SLABS	"/sys/kernel/slab"

/* A clock that counts in longer steps, or takes longer to be read, hides a fast path. */
#define SLOW_CLOCK	500	/* ns */

/* Does the file say anything but 0? */
static bool is_on(const char *cache, const char *name)
{
	char path[512];
	FILE *file;
	int value;

	snprintf(path, sizeof(path), SLABS "/%s/%s", cache, name);
	file = fopen(path, "re");
	if (!file)
		return false;
	value = getc(file);
	fclose(file);
	return value != EOF && value != '0';
}

static bool is_checked(const char *cache)
{
	static const char *const checks[] = {
		"sanity_checks", "red_zone", "poison", "store_user", "trace"
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(checks); i++) {
		if (is_on(cache, checks[i]))
			return true;
	}
	return false;
}

/* Of those that the laboratory allocates from. Two of its own are meant to be so. */
static bool is_of_interest(const char *cache)
{
	return fnmatch("*kmalloc-*", cache, 0) == 0 ||
	       (fnmatch("mem_demo_*", cache, 0) == 0 &&
		strcmp(cache, "mem_demo_poison") != 0 &&
		strcmp(cache, "mem_demo_red_zone") != 0);
}

/* How many caches are checked; -1: they could not be asked. */
static int count_checked(void)
{
	DIR *slabs = opendir(SLABS);
	struct dirent *entry;
	int asked = 0, count = 0;

	if (!slabs)
		return -1;
	while ((entry = readdir(slabs))) {
		if (!is_of_interest(entry->d_name))
			continue;
		asked++;
		count += is_checked(entry->d_name);
	}
	closedir(slabs);
	return asked ? count : -1;
}

static void append(char *text, size_t size, const char *between, const char *more)
{
	size_t length = strlen(text);

	snprintf(text + length, size - length, "%s%s", length ? between : "", more);
}

void mem_find_distortion(const struct mem_info *info,
			 struct mem_distortion *distortion)
{
	__u32 distorting = info->debug & MEM_DEBUG_DISTORTS;
	int checked = count_checked();
	char text[560];

	distortion->known = checked >= 0;
	distortion->why[0] = '\0';
	snprintf(distortion->debug, sizeof(distortion->debug), "%s",
		 mem_debug_names(info->debug));
	if (distorting) {
		snprintf(text, sizeof(text), "this kernel has %s",
			 mem_debug_names(distorting));
		append(distortion->why, sizeof(distortion->why), "; ", text);
	}
	if (checked > 0) {
		append(distortion->debug, sizeof(distortion->debug), ",",
		       "slub_debug");
		snprintf(text, sizeof(text), "slub_debug has %d slab caches checked",
			 checked);
		append(distortion->why, sizeof(distortion->why), "; ", text);
	}
	if (info->clock_step > SLOW_CLOCK) {
		snprintf(text, sizeof(text),
			 "two readings of the clock are at least %llu ns apart",
			 (unsigned long long)info->clock_step);
		append(distortion->why, sizeof(distortion->why), "; ", text);
	}
	if (!distortion->debug[0])
		append(distortion->debug, sizeof(distortion->debug), "", "none");
}
