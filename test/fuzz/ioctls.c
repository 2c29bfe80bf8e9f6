// SPDX-License-Identifier: GPL-2.0
/* The ioctls: for each the fields of its structure, and how they are filled. */
#define _GNU_SOURCE

#include <errno.h>
#include <linux/types.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "io.h"
#include "mem_demo.h"
#include "state.h"
#include "tap.h"

/* What a field holds. */
enum field_kind {
	RANGE,		/* a number, @least to @most, all of them quick */
	COUNT,		/* likewise, quick up to @bound: see pick_count() */
	FLAGS,		/* of the bits in @most */
	ZERO,		/* reserved */
	LENGTH,		/* bytes of each object, up to @bound */
	BUDGET,		/* bytes in all; 0 is a lot */
	GFP,
	DMA_BITS,
	MEM_HANDLE,
	IO_HANDLE,
	POINTER,	/* @bound: how many bytes */
	WIDTH,		/* of an access: 1, 2, 4, 8 */
	PLACE,		/* address and size of a region, two fields in one */
	ANY,
};

struct field {
	unsigned int offset;
	unsigned int size;
	enum field_kind kind;
	__u64 least;
	__u64 bound;
	__u64 most;
};

#define FIELD(type, member, kind, least, bound, most)			\
	{ offsetof(struct type, member), sizeof(((struct type *)0)->member),	\
	  kind, least, bound, most }
#define IN_RANGE(type, member, least, most)				\
	FIELD(type, member, RANGE, least, most, most)
#define IS_COUNT(type, member, least, bound, most)			\
	FIELD(type, member, COUNT, least, bound, most)
#define IS(kind, type, member)	FIELD(type, member, kind, 0, 0, 0)
#define END			{ 0, 0, ANY, 0, 0, 0 }

/* A number alone. */
#define NUMBER(kind, least, bound, most)				\
	{ 0, sizeof(__u32), kind, least, bound, most }

#define EXTRA_DICE	2	/* of an ioctl: the descriptor, the pointer */

/*
 * What can be claimed without harm, and what is refused: to write anywhere else
 * could reset the machine. Taken as ports or as memory, it is one or the other.
 */
static const struct place {
	__u64 start;
	__u64 size;
} places[] = {
	{ TEST_PORTS, 4 },
	{ TEST_PORTS, 1 },
	{ TEST_PORTS + 2, 2 },
	{ CONSOLE_PORT, 1 },
	{ TEST_MEMORY, PAGE },
	{ TEST_MEMORY, TEST_MEMORY_SIZE },
	{ TEST_MEMORY + PAGE, 2 * PAGE },
	{ TEST_MEMORY + 4, PAGE },
	{ TEST_MEMORY, PAGE + 4 },
	{ TEST_MEMORY, IO_DEMO_MAX_CLAIM + PAGE },
	{ SERIAL_PORTS, 8 },
	{ 0, 0x10000 },
	{ TEST_PORTS, 0 },
	{ TEST_PORTS, UINT64_MAX },
	{ 0xffff, 2 },
	{ 0x10000, 1 },
	{ RESERVED_START, PAGE },
	{ RESERVED_START, RESERVED_SIZE },
	{ 0x1000, PAGE },
	{ 0x1000000, PAGE },
	{ UINT64_MAX - PAGE + 1, PAGE },
	{ UINT64_MAX, 1 },
};

static __u64 pick_range(__u16 die, __u64 least, __u64 most)
{
	switch (below(die, 40)) {
	case 0:
		return least - 1;
	case 1:
		return most + 1;
	case 2:
		return any_number(die);
	case 3:
		return least;
	case 4:
		return most;
	case 5 ... 20:
		return least + any_number(die) % (most - least + 1);
	default:
		return least + more(die) % (most - least + 1);
	}
}

/* One base most of the time, and often what makes the memory readable. */
static __u64 pick_gfp(__u16 die)
{
	static const __u32 bases[] = {
		MEM_GFP_KERNEL, MEM_GFP_KERNEL, MEM_GFP_KERNEL, MEM_GFP_NOWAIT,
		MEM_GFP_ATOMIC, MEM_GFP_USER, MEM_GFP_HIGHUSER, MEM_GFP_NOIO,
		MEM_GFP_NOFS,
	};
	static const __u32 modifiers[] = {
		MEM_GFP_NOWARN, MEM_GFP_NORETRY, MEM_GFP_RETRY_MAYFAIL,
		MEM_GFP_HIGH, MEM_GFP_COMP, MEM_GFP_ACCOUNT, MEM_GFP_THISNODE,
		MEM_GFP_NOFAIL, MEM_GFP_DMA, MEM_GFP_DMA32,
	};
	unsigned int how = below(die, 32);
	__u32 gfp;

	if (!how)
		return any_number(die);
	if (how == 1)
		return more(die) & MEM_GFP_ALL;
	gfp = bases[more(die) % ARRAY_SIZE(bases)];
	if (how < 18)
		gfp |= MEM_GFP_ZERO;
	if (how < 10)
		gfp |= modifiers[(more(die) >> 16) % ARRAY_SIZE(modifiers)];

	return gfp;
}

static __u64 pick_length(__u16 die, __u64 bound)
{
	static const __u64 lengths[] = {
		0, 1, 8, 9, 200, 256, 512, PAGE - 1, PAGE, PAGE + 1, 2 * PAGE,
		3 * PAGE, 1 << 16, (4ULL << 20) + 1, 1ULL << 40, UINT64_MAX,
		UINT64_MAX - PAGE + 2,
	};
	__u64 length = any_number(die);

	if (below(die, 4))
		length = lengths[more(die) % ARRAY_SIZE(lengths)];
	/* In between it is granted, and takes long to be made zero. */
	if (length > bound && length < 1ULL << 40)
		length = bound - length % PAGE;

	return length;
}

static __u64 pick_flags(__u16 die, __u64 mask)
{
	switch (below(die, 16)) {
	case 0:
		return any_number(die);
	case 1:
		return mask + 1;
	case 2 ... 6:
		return more(die) & mask;
	default:
		return 0;
	}
}

static __u64 pick_dma_bits(__u16 die)
{
	static const __u32 bits[] = { 64, 32, 24, 64, 1, 65 };

	if (below(die, 5) < 3)
		return 0;

	return bits[more(die) % ARRAY_SIZE(bits)];
}

static __u64 pick_budget(__u16 die)
{
	static const __u64 bound = 4 << 20;
	__u64 budget = pick_count(die, 1, bound, 1 << 30);

	/* 0 stands for half of the memory, of which more cannot be had. */
	if (!budget || budget > bound)
		*slow_step = true;

	return budget;
}

static __u64 make_value(const struct field *field, __u16 die)
{
	void *content;

	switch (field->kind) {
	case RANGE:
		return pick_range(die, field->least, field->most);
	case COUNT:
		return pick_count(die, field->least, field->bound, field->most);
	case FLAGS:
		return pick_flags(die, field->most);
	case ZERO:
		return below(die, 32) ? 0 : any_number(die);
	case LENGTH:
		return pick_length(die, field->bound);
	case BUDGET:
		return pick_budget(die);
	case GFP:
		return pick_gfp(die);
	case DMA_BITS:
		return pick_dma_bits(die);
	case MEM_HANDLE:
		return pick_handle(LAB_MEM, die);
	case IO_HANDLE:
		return pick_handle(LAB_IO, die);
	case POINTER:
		return (uintptr_t)pick_pointer(die, field->bound, &content);
	case WIDTH:
		return below(die, 16) ? 1ULL << more(die) % 4 : any_number(die);
	case PLACE:
	case ANY:
		break;
	}

	return any_number(die);
}

/* A value that is in order, as far as one can know without the other fields. */
static __u64 good_value(const struct field *field, __u16 die)
{
	static const __u32 lengths[] = { 1, 8, 200, 256, PAGE, PAGE, 2 * PAGE };
	__u64 most = field->kind == COUNT ? field->bound : field->most;

	switch (field->kind) {
	case RANGE:
	case COUNT:
		return field->least + more(die) % (most - field->least + 1);
	case LENGTH:
		return lengths[more(die) % ARRAY_SIZE(lengths)];
	case BUDGET:
		return 1 + more(die) % (1 << 20);
	case GFP:
		return MEM_GFP_KERNEL | (below(die, 4) ? MEM_GFP_ZERO : 0);
	case POINTER:
		return (uintptr_t)good_pointer();
	case WIDTH:
		return 1ULL << more(die) % 4;
	case ZERO:
	case FLAGS:
	case DMA_BITS:
		return 0;
	default:
		return make_value(field, die);
	}
}

static void fill_field(const struct field *field, char *at, __u16 die, bool good)
{
	__u64 value;

	if (field->kind == PLACE) {
		memcpy(at, &places[below(die, ARRAY_SIZE(places))],
		       sizeof(struct place));
		return;
	}
	value = good ? good_value(field, die) : make_value(field, die);
	/* What is out of range may come into it when it is cut. */
	if (field->kind == COUNT && field->size == sizeof(__u32) &&
	    (__u32)value > field->bound && (__u32)value <= field->most &&
	    !*slow_step)
		value = field->bound;
	memcpy(at, &value, field->size);
}

/*
 * As the kernel is called by a 32-bit program. It does not keep the registers that
 * such a program has not got.
 */
static long ioctl_32(int fd, unsigned long request, void *argument)
{
	long result = 54;

	asm volatile("int $0x80"
		     : "+a" (result)
		     : "b" (fd), "c" (request), "d" (argument)
		     : "memory", "r8", "r9", "r10", "r11");
	if ((int)result < 0) {
		errno = -(int)result;
		return -1;
	}

	return (int)result;
}

static long run_ioctl(const struct call *call, const __u16 *dice)
{
	size_t size = _IOC_SIZE(call->request), at;
	bool good = more(dice[1]) % 2;
	const struct field *field;
	void *pointer, *content;
	long result;
	int fd;

	fd = pick_fd(*dice++, call->on);
	pointer = pick_pointer(*dice, size, &content);
	memset(content, good || below(*dice, 3) ? 0 : 0xff, size);
	for (field = call->fields, dice++; field->size; field++, dice++) {
		at = field->offset;
		fill_field(field, (char *)content + at, *dice, good);
	}
	if (good && call->mend)
		call->mend(content);
	if (below(dice[-1], 16))
		result = ioctl(fd, call->request, pointer);
	else
		result = ioctl_32(fd, call->request, pointer);
	if (result >= 0 && call->made)
		call->made(content, result);

	return result;
}

/* What depends on another field */

static __u32 wanted_dma_bits(__u32 allocator)
{
	return allocator >= MEM_DMA_COHERENT ? 64 : 0;
}

static void mend_alloc(void *request)
{
	struct mem_alloc *alloc = request;

	alloc->dma_bits = wanted_dma_bits(alloc->allocator);
	if (alloc->allocator >= MEM_CACHE && alloc->allocator <= MEM_CACHE_RED_ZONE)
		alloc->size = 200;
	if (alloc->allocator == MEM_CACHE_POISON ||
	    alloc->allocator == MEM_CACHE_RED_ZONE)
		alloc->flags = MEM_ALLOC_DEBUG;
}

static void mend_bench(void *request)
{
	struct mem_bench *bench = request;

	bench->dma_bits = wanted_dma_bits(bench->allocator);
	if (bench->pattern == MEM_PATTERN_HOLD)
		bench->depth = 0;
	else if (!bench->depth)
		bench->depth = 1;
	if (!bench->cpus)
		bench->first_cpu = 0;
}

static void mend_gfp_try(void *request)
{
	struct mem_gfp_try *try = request;

	try->dma_bits = wanted_dma_bits(try->allocator);
	if (try->context != MEM_CONTEXT_PROCESS)
		try->gfp = MEM_GFP_ATOMIC;
}

static void mend_claim(void *request)
{
	struct io_demo_claim *claim = request;
	bool ports = claim->space == IO_DEMO_PORTS;
	const struct place *place = &places[claim->map % 3 + (ports ? 0 : 4)];

	if (ports)
		claim->map = claim->map % 2 ? IO_DEMO_MAP_NONE : IO_DEMO_MAP_PORTS;
	else if (claim->map < IO_DEMO_MAP_UC)
		claim->map += 2;
	claim->start = place->start;
	claim->size = place->size;
}

static void mend_access(void *request)
{
	struct io_demo_access *access = request;

	access->offset = 0;
	if (access->width == 8)
		access->width = 1;
	access->value &= 0xff;
}

static void mend_latency(void *request)
{
	struct io_demo_latency *latency = request;

	latency->offset = 0;
	if (latency->width == 8)
		latency->width = 1;
	latency->value &= 0xff;
}

static void mend_transfer(void *request)
{
	struct io_demo_transfer *transfer = request;

	transfer->offset = 0;
	if (transfer->form == IO_DEMO_BLOCK || transfer->width == 8)
		transfer->width = 1;
}

static void mend_ring(void *request)
{
	struct vser_ring *ring = request;

	if (ring->rx_size % PAGE)
		ring->rx_size = PAGE;
	if (ring->tx_size % PAGE)
		ring->tx_size = 0;
}

static void mend_wiring(void *request)
{
	struct vser_wiring *wiring = request;

	if (wiring->type != VSER_WIRE_NULLMODEM) {
		wiring->peer = 0;
		wiring->flags = 0;
	}
	if (wiring->flags)
		wiring->peer = 0;
	else
		wiring->fd = 0;
}

static void mend_config(void *request)
{
	struct vser_config *config = request;

	if (config->generator != VSER_GEN_TEXT)
		config->text_len = 0;
	config->wire.peer = config->wire.type == VSER_WIRE_NULLMODEM;
}

static void mend_walk(void *request)
{
	struct mem_walk *walk = request;

	walk->cpu = 0;
	walk->offset %= 8;
}

static void mend_io(void *request)
{
	struct mem_io *io = request;

	io->cpu = 0;
	io->offset %= 8;
	io->length = 1 + io->length % 8;
}

static void mend_dma_copy(void *request)
{
	struct io_demo_dma_copy *copy = request;

	copy->offset %= 8;
	copy->size = 1 + copy->size % 64;
}

static void mend_dma_run(void *request)
{
	struct io_demo_dma_run *run = request;

	run->offset = 0;
	run->device %= 64;
	run->size = 1 + run->size % 64;
}

static void mend_free(void *request)
{
	struct mem_free *free = request;

	if (free->flags)
		*free = (struct mem_free) { .flags = MEM_FREE_ALL };
}

/* What they give */

static void made_ring(const void *answer, long result)
{
	const struct vser_ring *ring = answer;

	(void)result;
	mappable = ring->length;
}

static void made_object(const void *answer, long result)
{
	const struct mem_alloc *alloc = answer;

	(void)result;
	keep_handles(LAB_MEM, alloc->handle, alloc->count);
}

static void made_map(const void *answer, long result)
{
	const struct mem_map *map = answer;

	(void)result;
	mappable = map->length;
	keep_fd(map->fd, OF_OBJECT);
}

static void made_region(const void *answer, long result)
{
	const struct io_demo_claim *claim = answer;

	(void)result;
	keep_handles(LAB_IO, claim->handle, 1);
}

static void made_dma(const void *answer, long result)
{
	const struct io_demo_dma *dma = answer;

	(void)result;
	keep_handles(LAB_IO, dma->handle, 1);
}

static void made_reserved(const void *answer, long result)
{
	(void)answer;
	mappable = RESERVED_SIZE;
	keep_fd(result, OF_RESERVED);
}

/* The line */

static const struct field baud_fields[] = {
	NUMBER(COUNT, VSER_BAUD_MIN, 115200, VSER_BAUD_MAX), END
};

static const struct field mark_fields[] = { NUMBER(RANGE, 0, 0, 1), END };

static const struct field out_fields[] = { END };

static const struct field format_fields[] = {
	IN_RANGE(vser_format, datab, 5, 8),
	IN_RANGE(vser_format, parity, 0, 4),
	IN_RANGE(vser_format, stopb, 1, 2),
	END
};

static const struct field wiring_fields[] = {
	IN_RANGE(vser_wiring, type, 1, 5),
	IN_RANGE(vser_wiring, peer, 0, FUZZ_LINES - 1),
	FIELD(vser_wiring, flags, FLAGS, 0, 0, VSER_WIRING_PEER_FD),
	IN_RANGE(vser_wiring, fd, 0, 20),
	END
};

static const struct field fault_fields[] = {
	IN_RANGE(vser_fault, bit, 0, VSER_FAULT_MAX),
	IN_RANGE(vser_fault, drop, 0, VSER_FAULT_MAX),
	IN_RANGE(vser_fault, dup, 0, VSER_FAULT_MAX),
	IN_RANGE(vser_fault, parity, 0, VSER_FAULT_MAX),
	IN_RANGE(vser_fault, frame, 0, VSER_FAULT_MAX),
	IN_RANGE(vser_fault, brk, 0, VSER_FAULT_MAX),
	IN_RANGE(vser_fault, burst, 1, VSER_BURST_MAX),
	IS(ZERO, vser_fault, reserved),
	IS(ANY, vser_fault, seed),
	END
};

static const struct field config_fields[] = {
	FIELD(vser_config, mask, FLAGS, 0, 0, VSER_CONFIG_ALL),
	IS_COUNT(vser_config, baud, VSER_BAUD_MIN, 115200, VSER_BAUD_MAX),
	IN_RANGE(vser_config, format.datab, 5, 8),
	IN_RANGE(vser_config, format.parity, 0, 4),
	IN_RANGE(vser_config, format.stopb, 1, 2),
	IN_RANGE(vser_config, pacing, 0, 1),
	IN_RANGE(vser_config, exclusive, 0, 1),
	IN_RANGE(vser_config, flow, 1, 2),
	IN_RANGE(vser_config, fifo, 16, 1 << 16),
	IN_RANGE(vser_config, latency_ns, 10000, NSEC_PER_SEC),
	IN_RANGE(vser_config, generator, 1, 4),
	IN_RANGE(vser_config, text_len, 1, VSER_TEXT_MAX),
	IS(ZERO, vser_config, reserved),
	IS(ANY, vser_config, seed),
	IN_RANGE(vser_config, period_ns, 1000, 3600 * NSEC_PER_SEC),
	IN_RANGE(vser_config, fault.bit, 0, VSER_FAULT_MAX),
	IN_RANGE(vser_config, fault.burst, 1, VSER_BURST_MAX),
	IN_RANGE(vser_config, wire.type, 1, 5),
	END
};

static const struct field modem_wait_fields[] = {
	FIELD(vser_modem_wait, mask, FLAGS, 0, 0, 0x1e0), END
};

static const struct field ring_fields[] = {
	FIELD(vser_ring, rx_size, LENGTH, 0, 1 << 16, 0),
	FIELD(vser_ring, tx_size, LENGTH, 0, 1 << 16, 0),
	IS(ZERO, vser_ring, reserved),
	END
};

/* The memory laboratory */

static const struct field mem_info_fields[] = {
	IS(ZERO, mem_info, reserved[0]), IS(ZERO, mem_info, reserved[2]), END
};

static const struct field mem_allocator_fields[] = {
	IN_RANGE(mem_allocator, id, 1, MEM_NR_ALLOCATORS),
	IS(ZERO, mem_allocator, reserved[0]),
	IS(ZERO, mem_allocator, reserved[1]),
	END
};

static const struct field mem_alloc_fields[] = {
	IN_RANGE(mem_alloc, allocator, 1, MEM_NR_ALLOCATORS),
	IS(GFP, mem_alloc, gfp),
	FIELD(mem_alloc, size, LENGTH, 0, 1 << 20, 0),
	IS_COUNT(mem_alloc, count, 1, 8, 10000000),
	FIELD(mem_alloc, flags, FLAGS, 0, 0, 3),
	IS(DMA_BITS, mem_alloc, dma_bits),
	IS(ZERO, mem_alloc, reserved0),
	IS(ZERO, mem_alloc, reserved[0]),
	IS(ZERO, mem_alloc, reserved[1]),
	END
};

static const struct field mem_free_fields[] = {
	IS(MEM_HANDLE, mem_free, handle),
	IN_RANGE(mem_free, count, 1, 40),
	IN_RANGE(mem_free, stride, 1, 3),
	FIELD(mem_free, flags, FLAGS, 0, 0, 1),
	IS(ZERO, mem_free, reserved),
	END
};

static const struct field mem_resize_fields[] = {
	IS(MEM_HANDLE, mem_resize, handle),
	FIELD(mem_resize, size, LENGTH, 0, 1 << 20, 0),
	IS(GFP, mem_resize, gfp),
	END
};

static const struct field mem_show_fields[] = {
	IS(MEM_HANDLE, mem_show, handle),
	IS(ZERO, mem_show, reserved0),
	IS(ZERO, mem_show, reserved[0]),
	END
};

static const struct field mem_walk_fields[] = {
	IS(MEM_HANDLE, mem_walk, handle),
	FIELD(mem_walk, offset, LENGTH, 0, 1 << 16, 0),
	IN_RANGE(mem_walk, cpu, 0, 1),
	FIELD(mem_walk, address, POINTER, 0, 8, 0),
	IS(ZERO, mem_walk, reserved[0]),
	END
};

static const struct field mem_io_fields[] = {
	IS(MEM_HANDLE, mem_io, handle),
	FIELD(mem_io, offset, LENGTH, 0, 4096, 0),
	FIELD(mem_io, buffer, POINTER, 0, 256, 0),
	IN_RANGE(mem_io, length, 1, 2 * PAGE),
	IN_RANGE(mem_io, cpu, 0, 1),
	END
};

static const struct field mem_map_fields[] = {
	IS(MEM_HANDLE, mem_map, handle),
	IN_RANGE(mem_map, method, 1, 3),
	IS(ZERO, mem_map, reserved),
	END
};

static const struct field mem_bench_fields[] = {
	IN_RANGE(mem_bench, allocator, 1, MEM_NR_ALLOCATORS),
	IS(GFP, mem_bench, gfp),
	FIELD(mem_bench, size, LENGTH, 0, 4 * PAGE, 0),
	IS_COUNT(mem_bench, n, 1, 8, 10000000),
	IS_COUNT(mem_bench, warmup, 0, 4, 10000000),
	IN_RANGE(mem_bench, pattern, 1, 6),
	IN_RANGE(mem_bench, depth, 0, 8),
	IN_RANGE(mem_bench, cpus, 0, 2),
	IN_RANGE(mem_bench, first_cpu, 0, 1),
	IS(ANY, mem_bench, seed),
	IS(DMA_BITS, mem_bench, dma_bits),
	IS(ZERO, mem_bench, flags),
	FIELD(mem_bench, alloc_histogram, POINTER, 0, 4 * MEM_HIST_BUCKETS, 0),
	FIELD(mem_bench, free_histogram, POINTER, 0, 4 * MEM_HIST_BUCKETS, 0),
	IS(ZERO, mem_bench, reserved[0]),
	IS(ZERO, mem_bench, reserved[2]),
	END
};

static const struct field mem_limit_fields[] = {
	IN_RANGE(mem_limit, allocator, 1, MEM_NR_ALLOCATORS),
	IS(GFP, mem_limit, gfp),
	IS(BUDGET, mem_limit, budget),
	IS(DMA_BITS, mem_limit, dma_bits),
	IS(ZERO, mem_limit, reserved0),
	IS(ZERO, mem_limit, reserved[0]),
	END
};

static const struct field mem_gfp_try_fields[] = {
	IN_RANGE(mem_gfp_try, allocator, 1, MEM_NR_ALLOCATORS),
	IS(GFP, mem_gfp_try, gfp),
	FIELD(mem_gfp_try, size, LENGTH, 0, 1 << 20, 0),
	IN_RANGE(mem_gfp_try, context, 1, MEM_NR_CONTEXTS),
	IS(DMA_BITS, mem_gfp_try, dma_bits),
	IS(ZERO, mem_gfp_try, reserved0),
	IS(ZERO, mem_gfp_try, reserved[0]),
	END
};

static const struct field mem_fragment_fields[] = {
	IN_RANGE(mem_fragment, op, 1, 2),
	IN_RANGE(mem_fragment, order, 1, 10),
	IS(BUDGET, mem_fragment, budget),
	IS(ZERO, mem_fragment, reserved[0]),
	END
};

static const struct field mem_percpu_fields[] = {
	IN_RANGE(mem_percpu, variable, 0, 2),
	IN_RANGE(mem_percpu, method, 1, 3),
	IS_COUNT(mem_percpu, loops, 1, 100, 100000000),
	IN_RANGE(mem_percpu, cpus, 0, 2),
	FIELD(mem_percpu, counts, POINTER, 0, 16, 0),
	IN_RANGE(mem_percpu, nr_counts, 0, 2),
	IS(ZERO, mem_percpu, reserved0),
	IS(ZERO, mem_percpu, reserved[0]),
	END
};

static const struct field mem_mempool_fields[] = {
	IN_RANGE(mem_mempool, allocator, MEM_MEMPOOL_SLAB, MEM_MEMPOOL_PAGE),
	IS_COUNT(mem_mempool, reserve, 1, 16, 1024),
	IS_COUNT(mem_mempool, take, 1, 32, 4096),
	IN_RANGE(mem_mempool, fail_after, 0, 40),
	IS(ZERO, mem_mempool, reserved[0]),
	END
};

static const struct field mem_devm_fields[] = {
	IN_RANGE(mem_devm, allocator, MEM_DEVM_KMALLOC, MEM_DEVM_KZALLOC),
	IS(GFP, mem_devm, gfp),
	FIELD(mem_devm, size, LENGTH, 0, 4 * PAGE, 0),
	IS_COUNT(mem_devm, count, 1, 16, 1024),
	IS(ZERO, mem_devm, reserved[0]),
	END
};

static const struct field mem_dma_sync_fields[] = {
	IS(MEM_HANDLE, mem_dma_sync, handle),
	IN_RANGE(mem_dma_sync, op, 1, 2),
	IS(ZERO, mem_dma_sync, reserved),
	END
};

/* The hardware laboratory */

static const struct field io_claim_fields[] = {
	IN_RANGE(io_demo_claim, space, 1, 2),
	IN_RANGE(io_demo_claim, map, 1, 5),
	FIELD(io_demo_claim, flags, FLAGS, 0, 0, 1),
	IS(PLACE, io_demo_claim, start),
	IS(ZERO, io_demo_claim, reserved),
	END
};

static const struct field io_release_fields[] = {
	IS(IO_HANDLE, io_demo_release, handle),
	IS(ZERO, io_demo_release, reserved),
	END
};

static const struct field io_access_fields[] = {
	IS(IO_HANDLE, io_demo_access, handle),
	IN_RANGE(io_demo_access, op, 1, 2),
	IN_RANGE(io_demo_access, by, 1, 3),
	IS(WIDTH, io_demo_access, width),
	IN_RANGE(io_demo_access, offset, 0, 8),
	IS(ANY, io_demo_access, value),
	IS(ZERO, io_demo_access, reserved),
	END
};

static const struct field io_transfer_fields[] = {
	IS(IO_HANDLE, io_demo_transfer, handle),
	IN_RANGE(io_demo_transfer, op, 1, 2),
	IN_RANGE(io_demo_transfer, form, 1, 2),
	IS(WIDTH, io_demo_transfer, width),
	IN_RANGE(io_demo_transfer, offset, 0, 8),
	FIELD(io_demo_transfer, buffer, POINTER, 0, 64, 0),
	IS_COUNT(io_demo_transfer, count, 0, 64, IO_DEMO_MAX_TRANSFER),
	END
};

static const struct field io_latency_fields[] = {
	IS(IO_HANDLE, io_demo_latency, handle),
	IN_RANGE(io_demo_latency, op, 1, 2),
	IN_RANGE(io_demo_latency, by, 1, 3),
	IS(WIDTH, io_demo_latency, width),
	IN_RANGE(io_demo_latency, offset, 0, 8),
	IS(ANY, io_demo_latency, value),
	IS_COUNT(io_demo_latency, count, 1, 40, IO_DEMO_MAX_COUNT),
	IS(ZERO, io_demo_latency, reserved),
	END
};

static const struct field io_edu_fields[] = {
	IN_RANGE(io_demo_edu, index, 0, 1), END
};

static const struct field io_live_fields[] = {
	IN_RANGE(io_demo_live, index, 0, 1),
	IS(ANY, io_demo_live, value),
	IS(ZERO, io_demo_live, reserved),
	END
};

static const struct field io_factorial_fields[] = {
	IN_RANGE(io_demo_factorial, index, 0, 1),
	FIELD(io_demo_factorial, flags, FLAGS, 0, 0, 1),
	IS_COUNT(io_demo_factorial, n, 0, 1000, UINT32_MAX),
	IN_RANGE(io_demo_factorial, timeout_ms, 1, IO_DEMO_MAX_TIMEOUT),
	IS(ZERO, io_demo_factorial, reserved),
	END
};

static const struct field io_raise_fields[] = {
	IN_RANGE(io_demo_raise, index, 0, 1),
	FIELD(io_demo_raise, bits, FLAGS, 0, 0, IO_DEMO_USER_IRQS),
	END
};

static const struct field io_wait_fields[] = {
	IN_RANGE(io_demo_wait, index, 0, 1),
	IN_RANGE(io_demo_wait, timeout_ms, 0, IO_DEMO_MAX_TIMEOUT),
	IS(ANY, io_demo_wait, seen),
	IS(ZERO, io_demo_wait, reserved),
	END
};

static const struct field io_irq_fields[] = {
	IN_RANGE(io_demo_irq, index, 0, 1),
	IN_RANGE(io_demo_irq, half, 1, 3),
	IS_COUNT(io_demo_irq, count, 1, 4, IO_DEMO_MAX_COUNT),
	END
};

static const struct field io_dma_fields[] = {
	IN_RANGE(io_demo_dma, index, 0, 1),
	IN_RANGE(io_demo_dma, kind, 1, 4),
	FIELD(io_demo_dma, flags, FLAGS, 0, 0, 1),
	FIELD(io_demo_dma, size, LENGTH, 0, 1 << 18, 0),
	IS(ZERO, io_demo_dma, reserved),
	END
};

static const struct field io_dma_copy_fields[] = {
	IS(IO_HANDLE, io_demo_dma_copy, handle),
	IN_RANGE(io_demo_dma_copy, op, 1, 2),
	FIELD(io_demo_dma_copy, offset, LENGTH, 0, PAGE, 0),
	FIELD(io_demo_dma_copy, buffer, POINTER, 0, 256, 0),
	FIELD(io_demo_dma_copy, size, LENGTH, 0, 2 * PAGE, 0),
	END
};

static const struct field io_dma_run_fields[] = {
	IS(IO_HANDLE, io_demo_dma_run, handle),
	IN_RANGE(io_demo_dma_run, op, 1, 2),
	FIELD(io_demo_dma_run, offset, LENGTH, 0, PAGE, 0),
	IN_RANGE(io_demo_dma_run, device, 0, IO_DEMO_EDU_MEMORY),
	IN_RANGE(io_demo_dma_run, size, 1, 512),
	END
};

static const struct field io_dma_cost_fields[] = {
	IN_RANGE(io_demo_dma_cost, index, 0, 1),
	FIELD(io_demo_dma_cost, flags, FLAGS, 0, 0, 1),
	FIELD(io_demo_dma_cost, size, LENGTH, 0, 4 * PAGE, 0),
	IS_COUNT(io_demo_dma_cost, count, 1, 8, IO_DEMO_MAX_COUNT),
	IS(ZERO, io_demo_dma_cost, reserved),
	END
};

static const struct field io_reserved_fields[] = {
	FIELD(io_demo_reserved, flags, FLAGS, 0, 0, 1),
	IS(ZERO, io_demo_reserved, reserved),
	END
};

static const struct field io_layout_fields[] = {
	FIELD(io_demo_layout, areas, POINTER, 0, 512, 0),
	IN_RANGE(io_demo_layout, room, 0, 32),
	END
};

#define CALL(name, about, weight, request, on, fields, mend, made)	\
	{ name, about, weight, EXTRA_DICE + ARRAY_SIZE(fields) - 1,	\
	  run_ioctl, request, on, fields, mend, made }
#define LINE_CALL(request, fields, mend, made)				\
	CALL(#request, ABOUT_LINE, 4, request, OF_LINE, fields, mend, made)
#define MEM_CALL(weight, request, fields, mend, made)			\
	CALL(#request, ABOUT_MEM, weight, request, OF_LINE, fields, mend, made)
#define IO_CALL(weight, request, fields, mend, made)			\
	CALL(#request, ABOUT_IO, weight, request, OF_LINE, fields, mend, made)

const struct call ioctl_calls[] = {
	LINE_CALL(VS_SET_BAUD, baud_fields, NULL, NULL),
	LINE_CALL(VS_GET_BAUD, out_fields, NULL, NULL),
	LINE_CALL(VS_SET_FMT, format_fields, NULL, NULL),
	LINE_CALL(VS_GET_FMT, out_fields, NULL, NULL),
	LINE_CALL(VS_GET_INFO, out_fields, NULL, NULL),
	LINE_CALL(VS_SET_WIRE, wiring_fields, mend_wiring, NULL),
	LINE_CALL(VS_GET_WIRE, out_fields, NULL, NULL),
	LINE_CALL(VS_SET_FAULT, fault_fields, NULL, NULL),
	LINE_CALL(VS_GET_FAULT, out_fields, NULL, NULL),
	LINE_CALL(VS_WAIT_MODEM, modem_wait_fields, NULL, NULL),
	LINE_CALL(VS_READ_EVENT, out_fields, NULL, NULL),
	LINE_CALL(VS_SET_MARK, mark_fields, NULL, NULL),
	LINE_CALL(VS_GET_MARK, out_fields, NULL, NULL),
	LINE_CALL(VS_GET_COUNTERS, out_fields, NULL, NULL),
	LINE_CALL(VS_SET_RING, ring_fields, mend_ring, made_ring),
	LINE_CALL(VS_SYNC_RING, out_fields, NULL, NULL),
	LINE_CALL(VS_WATCH_EVENTS, mark_fields, NULL, NULL),
	LINE_CALL(VS_CONFIGURE, config_fields, mend_config, NULL),
	LINE_CALL(VS_GET_CONFIG, out_fields, NULL, NULL),
	MEM_CALL(1, MEM_GET_INFO, mem_info_fields, NULL, NULL),
	MEM_CALL(2, MEM_GET_ALLOCATOR, mem_allocator_fields, NULL, NULL),
	MEM_CALL(16, MEM_ALLOC, mem_alloc_fields, mend_alloc, made_object),
	MEM_CALL(4, MEM_FREE, mem_free_fields, mend_free, NULL),
	MEM_CALL(4, MEM_RESIZE, mem_resize_fields, NULL, NULL),
	MEM_CALL(8, MEM_SHOW, mem_show_fields, NULL, NULL),
	MEM_CALL(8, MEM_WALK, mem_walk_fields, mend_walk, NULL),
	MEM_CALL(6, MEM_READ, mem_io_fields, mend_io, NULL),
	MEM_CALL(6, MEM_WRITE, mem_io_fields, mend_io, NULL),
	MEM_CALL(8, MEM_MAP, mem_map_fields, NULL, made_map),
	CALL("MEM_GET_MAPPING", ABOUT_MEM, 4, MEM_GET_MAPPING, OF_OBJECT,
	     out_fields, NULL, NULL),
	MEM_CALL(2, MEM_BENCH, mem_bench_fields, mend_bench, NULL),
	MEM_CALL(2, MEM_GET_PROGRESS, out_fields, NULL, NULL),
	MEM_CALL(2, MEM_LIMIT, mem_limit_fields, NULL, NULL),
	MEM_CALL(6, MEM_GFP_TRY, mem_gfp_try_fields, mend_gfp_try, NULL),
	MEM_CALL(1, MEM_FRAGMENT, mem_fragment_fields, NULL, NULL),
	MEM_CALL(3, MEM_PERCPU, mem_percpu_fields, NULL, NULL),
	MEM_CALL(3, MEM_MEMPOOL, mem_mempool_fields, NULL, NULL),
	MEM_CALL(2, MEM_DEVM, mem_devm_fields, NULL, NULL),
	MEM_CALL(4, MEM_DMA_SYNC, mem_dma_sync_fields, NULL, NULL),
	IO_CALL(12, VS_IO_CLAIM, io_claim_fields, mend_claim, made_region),
	IO_CALL(3, VS_IO_RELEASE, io_release_fields, NULL, NULL),
	IO_CALL(10, VS_IO_ACCESS, io_access_fields, mend_access, NULL),
	IO_CALL(8, VS_IO_TRANSFER, io_transfer_fields, mend_transfer, NULL),
	IO_CALL(4, VS_IO_LATENCY, io_latency_fields, mend_latency, NULL),
	IO_CALL(3, VS_IO_EDU, io_edu_fields, NULL, NULL),
	IO_CALL(3, VS_IO_LIVE, io_live_fields, NULL, NULL),
	IO_CALL(3, VS_IO_FACTORIAL, io_factorial_fields, NULL, NULL),
	IO_CALL(4, VS_IO_RAISE, io_raise_fields, NULL, NULL),
	IO_CALL(3, VS_IO_WAIT, io_wait_fields, NULL, NULL),
	IO_CALL(2, VS_IO_IRQ, io_irq_fields, NULL, NULL),
	IO_CALL(8, VS_IO_DMA, io_dma_fields, NULL, made_dma),
	IO_CALL(6, VS_IO_DMA_COPY, io_dma_copy_fields, mend_dma_copy, NULL),
	IO_CALL(1, VS_IO_DMA_RUN, io_dma_run_fields, mend_dma_run, NULL),
	IO_CALL(3, VS_IO_DMA_COST, io_dma_cost_fields, NULL, NULL),
	IO_CALL(4, VS_IO_RESERVED, io_reserved_fields, NULL, made_reserved),
	IO_CALL(3, VS_IO_LAYOUT, io_layout_fields, NULL, NULL),
	{ .name = NULL },
};
