// SPDX-License-Identifier: GPL-2.0
/*
 * vserctl mem user: what becomes of memory on the user's side
 *
 * A small play in steps. After each, it is counted how many page faults the step
 * took and by how much the memory that is really there (the resident set) grew.
 */
#include <argp.h>
#include <err.h>
#include <errno.h>
#include <malloc.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "args.h"
#include "mem.h"
#include "table.h"
#include "vserctl.h"

enum user_column {
	USER_STEP,
	USER_FAULTS,
	USER_RSS,
	USER_SEEN,
};

static const struct column user_columns[] = {
	[USER_STEP] = { "step", "STEP", COLUMN_TEXT, false },
	[USER_FAULTS] = { "faults", "FAULTS", COLUMN_NUMBER, false },
	[USER_RSS] = { "rss_kib", "RSS-KIB", COLUMN_NUMBER, false },
	[USER_SEEN] = { "seen", "WHAT IS SEEN", COLUMN_TEXT, false },
};

/* What is counted before and after a step. */
struct usage {
	long faults;
	long rss_kib;
};

/* What became of a step. */
struct step {
	const char *name;
	const char *seen;
	struct usage grown;
};

/*
 * Steps are printed when the play is over: a table would take memory in the
 * middle of it, and malloc() is what is looked at.
 */
struct play {
	struct usage before;
	size_t size;		/* 0: the user has named none */
	size_t page;
	bool is_unlimited;
	struct step steps[32];
	size_t nr_steps;
};

/* Opens a file whose buffer is not malloc()'s: that is under test. */
static FILE *open_own(const char *name)
{
	static char buffer[4096];
	FILE *file = fopen(name, "re");

	if (file)
		setvbuf(file, buffer, _IOFBF, sizeof(buffer));
	return file;
}

/* Walks the page tables, and so is exact; but not every kernel has it. */
static bool read_rollup(long *kib)
{
	FILE *file = open_own("/proc/self/smaps_rollup");
	char line[256];
	bool is_found = false;

	while (file && !is_found && fgets(line, sizeof(line), file))
		is_found = sscanf(line, "Rss: %ld", kib) == 1;
	if (file)
		fclose(file);
	return is_found;
}

/* The counters behind it may be some pages behind. */
static bool read_statm(long *kib)
{
	FILE *file = open_own("/proc/self/statm");
	bool is_found;
	long pages;

	if (!file)
		return false;
	is_found = fscanf(file, "%*d %ld", &pages) == 1;
	fclose(file);
	*kib = pages * (sysconf(_SC_PAGESIZE) / 1024);
	return is_found;
}

static long resident_kib(void)
{
	long kib;

	if (!read_rollup(&kib) && !read_statm(&kib))
		errx(EXIT_FAILURE, "/proc/self: tells no resident set");
	return kib;
}

static struct usage take_usage(void)
{
	struct usage usage;
	struct rusage now;

	usage.rss_kib = resident_kib();
	getrusage(RUSAGE_SELF, &now);
	usage.faults = now.ru_minflt + now.ru_majflt;
	return usage;
}

static void begin_step(struct play *play)
{
	play->before = take_usage();
}

static void end_step(struct play *play, const char *name, const char *seen)
{
	struct usage after = take_usage();
	struct step *step = &play->steps[play->nr_steps++];

	step->name = name;
	step->seen = seen;
	step->grown.faults = after.faults - play->before.faults;
	step->grown.rss_kib = after.rss_kib - play->before.rss_kib;
	begin_step(play);
}

static void print_steps(const struct play *play)
{
	struct table *table = table_new("user", TABLE_ROWS, user_columns,
					ARRAY_SIZE(user_columns));
	size_t i;

	for (i = 0; i < play->nr_steps; i++) {
		const struct step *step = &play->steps[i];

		table_add_row(table);
		table_set(table, USER_STEP, "%s", step->name);
		table_set_number(table, USER_FAULTS, step->grown.faults);
		table_set_number(table, USER_RSS, step->grown.rss_kib);
		table_set(table, USER_SEEN, "%s", step->seen);
	}
	table_print(table);
}

static char *must_have(void *memory)
{
	if (!memory || memory == MAP_FAILED)
		err(EXIT_FAILURE, "memory");
	return memory;
}

static char *map_anonymous(size_t size)
{
	return must_have(mmap(NULL, size, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
}

static void write_pages(const struct play *play, volatile char *memory)
{
	size_t at;

	for (at = 0; at < play->size; at += play->page)
		memory[at] = 1;
}

static void read_pages(const struct play *play, volatile const char *memory)
{
	size_t at;

	for (at = 0; at < play->size; at += play->page)
		(void)memory[at];
}

static void play_malloc(struct play *play)
{
	char *memory;

	begin_step(play);
	memory = must_have(malloc(play->size));
	end_step(play, "malloc", "addresses, but no memory behind them");
	write_pages(play, memory);
	end_step(play, "write each page", "a fault for each page brings a zeroed one");
	write_pages(play, memory);
	end_step(play, "write again", "they are there");
	free(memory);
	end_step(play, "free", "so large a block was mapped, and is unmapped");
}

static void play_mallopt(struct play *play)
{
	char *memory;

	mallopt(M_MMAP_MAX, 0);
	mallopt(M_TRIM_THRESHOLD, -1);
	begin_step(play);
	memory = must_have(malloc(play->size));
	write_pages(play, memory);
	end_step(play, "mallopt, malloc, write", "no mapping of its own: from the heap");
	free(memory);
	end_step(play, "free", "the process keeps it");
	memory = must_have(malloc(play->size));
	write_pages(play, memory);
	end_step(play, "malloc, write", "so the next one has it without a fault");
	free(memory);
	malloc_trim(0);
	end_step(play, "free, malloc_trim", "given back on request");
}

static void play_mapping(struct play *play)
{
	char *memory = map_anonymous(play->size);

	begin_step(play);
	read_pages(play, memory);
	end_step(play, "mmap, read each page", "all are the one page of zeroes");
	write_pages(play, memory);
	end_step(play, "write each page", "each write makes a page of its own");
	madvise(memory, play->size, MADV_DONTNEED);
	end_step(play, "madvise DONTNEED", "gone, while the addresses stay");
	munmap(memory, play->size);
}

static void play_huge_pages(struct play *play)
{
	char *memory = map_anonymous(play->size);

	prctl(PR_SET_THP_DISABLE, 0, 0, 0, 0);
	begin_step(play);
	if (madvise(memory, play->size, MADV_HUGEPAGE) == 0) {
		write_pages(play, memory);
		end_step(play, "madvise HUGEPAGE, write",
			 "a fault for each huge page, if there is one to be had");
	}
	prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
	munmap(memory, play->size);
}

static void play_mlockall(struct play *play)
{
	char *memory;

	begin_step(play);
	if (mlockall(MCL_FUTURE)) {
		end_step(play, "mlockall", errno == EPERM ?
			 "not permitted (CAP_IPC_LOCK, ulimit -l)" :
			 strerror(errno));
		return;
	}
	memory = mmap(NULL, play->size, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED) {
		munlockall();
		end_step(play, "mlockall, mmap", "more than ulimit -l lets be locked");
		return;
	}
	end_step(play, "mlockall, mmap", "all of it there at once, and stays");
	write_pages(play, memory);
	end_step(play, "write each page", "no fault when it matters");
	munlockall();
	munmap(memory, play->size);
}

static sigjmp_buf after_fault;
static siginfo_t fault;

static void catch_fault(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	(void)context;
	fault = *info;
	siglongjmp(after_fault, 1);
}

static bool write_faults(volatile char *memory)
{
	if (sigsetjmp(after_fault, 1))
		return true;
	memory[0] = 1;
	return false;
}

static const char *explain_fault(const void *memory)
{
	if (fault.si_addr != memory)
		return "SIGSEGV at another address";
	if (fault.si_code == SEGV_ACCERR)
		return "SIGSEGV, SEGV_ACCERR: the page table says read-only";
	return "SIGSEGV, SEGV_MAPERR: nothing is mapped there";
}

/* Writes where it must not, and says what the kernel made of that. */
static void write_and_survive(struct play *play, const char *step, char *memory)
{
	const struct sigaction catcher = {
		.sa_sigaction = catch_fault,
		.sa_flags = SA_SIGINFO,
	};
	struct sigaction before;
	bool faults;

	sigaction(SIGSEGV, &catcher, &before);
	begin_step(play);
	faults = write_faults(memory);
	end_step(play, step, faults ? explain_fault(memory) :
				      "the write went through");
	sigaction(SIGSEGV, &before, NULL);
}

static void play_faults(struct play *play)
{
	char *memory = map_anonymous(play->page);

	memory[0] = 1;
	if (mprotect(memory, play->page, PROT_READ))
		err(EXIT_FAILURE, "mprotect");
	write_and_survive(play, "mprotect READ, write", memory);
	munmap(memory, play->page);
	write_and_survive(play, "munmap, write", memory);
}

static error_t parse_user(int key, char *arg, struct argp_state *state)
{
	struct play *play = state->input;

	switch (key) {
	case 's':
		play->size = parse_number(state, "--size", arg, 1 << 20, 1 << 30);
		return 0;
	case 'u':
		play->is_unlimited = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static size_t available_memory(void)
{
	FILE *file = fopen("/proc/meminfo", "re");
	unsigned long long kib = 0;
	char line[256];

	while (file && !kib && fgets(line, sizeof(line), file))
		(void)!sscanf(line, "MemAvailable: %llu", &kib);
	if (file)
		fclose(file);
	return kib << 10 < SIZE_MAX ? kib << 10 : SIZE_MAX;
}

/*
 * All of a block is written to, and locked: one that does not fit next to other
 * programs has the kernel end one of them. If it must, it is to be this one.
 */
static void limit_size(struct play *play)
{
	const size_t by_default = 16 << 20;
	size_t most = available_memory() / 4;
	FILE *file = fopen("/proc/self/oom_score_adj", "we");

	if (file) {
		fputs("1000", file);
		fclose(file);
	}
	most -= most % play->page;
	if (play->size > most && !play->is_unlimited)
		errx(EXIT_USAGE, "--size: %zu bytes are more than a quarter of what is "
		     "available, %zu; --unlimited goes beyond", play->size, most);
	if (!play->size)
		play->size = most < by_default ? most : by_default;
	if (!play->size)
		errx(EXIT_FAILURE, "no memory is available");
}

int mem_user_command(int argc, char **argv)
{
	static const struct argp_option options[] = {
		{ "size", 's', "BYTES", 0,
		  "Size of the blocks, 1M to 1G (default: 16M, or a quarter of what is "
		  "available if that is less)", 0 },
		{ "unlimited", 'u', NULL, 0,
		  "Take a --size of more than a quarter of what is available", 0 },
		{ }
	};
	static const struct argp_child children[] = { TABLE_OPTIONS, { } };
	static const struct argp argp = {
		.options = options,
		.parser = parse_user,
		.children = children,
		.doc = "Show what becomes of memory on the user's side: when the pages of "
		       "malloc() and mmap() really come, when they go, and what a write to "
		       "a read-only page ends in."
		       "\vFor each step, FAULTS is the number of page faults that it took, "
		       "and RSS-KIB by how much the process grew. Huge pages are switched "
		       "off but for the step that shows them. Needs neither the module nor "
		       "any privilege, but mlockall() wants CAP_IPC_LOCK or a large enough "
		       "\"ulimit -l\".\n\n"
		       "One block is there at a time, and all of it is written to. With "
		       "--unlimited, other programs may find no memory meanwhile; where the "
		       "kernel must end a program for want of memory, it ends this one.",
	};
	struct play play = { .page = sysconf(_SC_PAGESIZE) };

	argp_parse(&argp, argc, argv, 0, NULL, &play);
	limit_size(&play);
	prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
	/* What is done for the first time faults for reasons of its own. */
	begin_step(&play);
	end_step(&play, "", "");
	play.nr_steps = 0;

	begin_step(&play);
	end_step(&play, "nothing", "what counting takes by itself");
	play_malloc(&play);
	play_mapping(&play);
	play_huge_pages(&play);
	play_mlockall(&play);
	play_mallopt(&play);
	play_faults(&play);
	print_steps(&play);
	return EXIT_SUCCESS;
}
