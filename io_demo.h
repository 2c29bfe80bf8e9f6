/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * io_demo - the hardware laboratory of vser: its interface
 *
 * I/O ports, I/O memory, interrupts, DMA and reserved memory, each as an ioctl
 * on any descriptor of /dev/vser while io_demo.ko is loaded. Valid in the
 * kernel and in user space, as C90 and as C++. Numbers and layouts are the same
 * for 32-bit and 64-bit programs. Nothing is done to an address that the kernel
 * does not grant: request_region() and request_mem_region() have the last word.
 *
 * Regions and DMA buffers are known by handles, which belong to the open file;
 * what is still held is released when it is closed. A handle is never 0.
 *
 * What the calls may answer:
 *
 * ========== =================================================================
 * EBUSY      the range, or a part of it, belongs to another driver or to a device,
 *            PCI, platform or other, with a driver or without: such a device can go
 *            at any time. Only the root of /proc/ioports and /proc/iomem and the
 *            window of a root bus of PCI hold what can be claimed. Or the device
 *            still computes what an earlier call did not wait for, and that is
 *            something else
 * EDQUOT     the file holds IO_DEMO_MAX_HANDLES handles; its DMA buffers would take
 *            more than IO_DEMO_MAX_DMA bytes, or those of all files, with what
 *            is being measured, more than IO_DEMO_MAX_DMA_ALL
 * EFAULT     a pointer does not lead to memory of the caller
 * EINTR      a signal handler ran while the call waited. If it was installed with
 *            SA_RESTART, and when the program was stopped or the system slept,
 *            the call begins again instead, its time too
 * EINVAL     a value is out of the range given here, a reserved field is not 0,
 *            or the region cannot be accessed in this way
 * EIO        the device cannot reach this memory, so it was not mapped for it;
 *            or its engine still runs, because of a transfer that timed out, and
 *            did not end in the time that a transfer has (module parameter
 *            "edu_timeout_ms"). Until it ends, nothing that needs an interrupt or
 *            the engine is begun
 * ENODEV     there is no such device, or it has been removed; no memory is
 *            reserved (module parameter "reserved")
 * ENOENT     no such handle
 * ENOMEM     no memory; IO_DEMO_DMA_ABOVE: none above the device's mask
 * EOPNOTSUPP io_demo is not loaded
 * EPERM      the caller lacks CAP_SYS_RAWIO; the kernel is locked down; the range is
 *            RAM, or kept for itself by the firmware; or reserved memory is to be
 *            mapped with PROT_EXEC
 * ETIMEDOUT  the device has not answered in time
 * ========== =================================================================
 *
 * Capabilities are checked at each call. Where addresses are handed out, they
 * are complete if the file's owner would see kernel addresses in /proc
 * (CAP_SYSLOG and the sysctl kernel.kptr_restrict=1), else they are offsets: of
 * memory within its page, of a region within itself.
 */
#ifndef _IO_DEMO_H
#define _IO_DEMO_H

#include "vser.h"

#define IO_DEMO_MAX_HANDLES	64
#define IO_DEMO_MAX_CLAIM	(16 << 20)	/* bytes of I/O memory */
#define IO_DEMO_MAX_TRANSFER	(1 << 20)	/* bytes */
#define IO_DEMO_MAX_COUNT	100000		/* accesses, interrupts, mappings */
#define IO_DEMO_MAX_DMA		(16 << 20)	/* bytes in all buffers of a file */
#define IO_DEMO_MAX_DMA_ALL	(32 << 20)	/* and of all files */
#define IO_DEMO_MAX_BUFFER	(4 << 20)	/* bytes in one */
#define IO_DEMO_POOL_SIZE	256		/* bytes in a buffer of the pool */
#define IO_DEMO_MAX_TIMEOUT	60000		/* milliseconds */

/*
 * Bytes in the edu device that can be used. It has one more, but many versions
 * of QEMU take a transfer that includes it for one beyond the end, and abort.
 */
#define IO_DEMO_EDU_MEMORY	4095

/* Values of op: which way data goes, seen from the program. */
#define IO_DEMO_READ		1
#define IO_DEMO_WRITE		2

/* Values of io_demo_claim.space. */
#define IO_DEMO_PORTS		1	/* request_region() */
#define IO_DEMO_MEMORY		2	/* request_mem_region() */

/* Values of io_demo_claim.map: how the region is reached. */
#define IO_DEMO_MAP_NONE	1	/* ports: by in and out instructions */
#define IO_DEMO_MAP_PORTS	2	/* ports: ioport_map() */
#define IO_DEMO_MAP_UC		3	/* memory: ioremap(), uncached */
#define IO_DEMO_MAP_WC		4	/* memory: ioremap_wc(), write-combining */
#define IO_DEMO_MAP_CACHED	5	/* memory: memremap(), as ordinary memory */

/* Values of io_demo_claim.flags. */
#define IO_DEMO_MANAGED		1	/* by devm_ functions, on a device of its own */

/**
 * struct io_demo_claim - take possession of a range of ports or I/O memory
 * @space:    one of IO_DEMO_PORTS, IO_DEMO_MEMORY
 * @map:      one of IO_DEMO_MAP_*
 * @flags:    IO_DEMO_MANAGED or 0
 * @handle:   out
 * @start:    first port or physical address
 * @size:     ports, or bytes: at most IO_DEMO_MAX_CLAIM; memory in whole pages
 * @reserved: must be 0
 *
 * Memory is claimed in whole pages because pages are what is mapped, and what
 * has a memory type: two mappings of a page must agree on it. EPERM for RAM,
 * and for what the firmware or memmap= has reserved. What a PCI device has is for
 * a driver of it.
 */
struct io_demo_claim {
	__u32 space;
	__u32 map;
	__u32 flags;
	__u32 handle;
	__u64 start;
	__u64 size;
	__u64 reserved;
};

/**
 * struct io_demo_release - give a region or a DMA buffer back
 * @handle:   which
 * @reserved: must be 0
 */
struct io_demo_release {
	__u32 handle;
	__u32 reserved;
};

/*
 * Values of by: the kernel's functions for an access. What there is:
 *
 *	map                 DEFAULT           RELAXED          IOREAD
 *	IO_DEMO_MAP_NONE    inb inw inl       -                -
 *	IO_DEMO_MAP_PORTS   -                 -                ioread8 16 32
 *	IO_DEMO_MAP_UC, WC  readb w l q       readb_relaxed     ioread8 16 32
 *	IO_DEMO_MAP_CACHED  READ_ONCE()       -                -
 */
#define IO_DEMO_BY_DEFAULT	1
#define IO_DEMO_BY_RELAXED	2	/* not ordered against ordinary memory */
#define IO_DEMO_BY_IOREAD	3	/* the same call for ports and memory */

/**
 * struct io_demo_access - read or write one value
 * @handle:   of a region
 * @op:       IO_DEMO_READ or IO_DEMO_WRITE
 * @by:       one of IO_DEMO_BY_*
 * @width:    bytes: 1, 2, 4, or with readq() and READ_ONCE() 8
 * @offset:   in the region, a multiple of @width
 * @value:    what was read or is to be written; it must fit into @width
 * @reserved: must be 0
 */
struct io_demo_access {
	__u32 handle;
	__u32 op;
	__u32 by;
	__u32 width;
	__u64 offset;
	__u64 value;
	__u64 reserved;
};

/* Values of io_demo_transfer.form. */
#define IO_DEMO_STRING		1	/* one address again and again: insb() */
#define IO_DEMO_BLOCK		2	/* ascending addresses: memcpy_fromio() */

/**
 * struct io_demo_transfer - read or write many values
 * @handle:   of a region
 * @op:       IO_DEMO_READ or IO_DEMO_WRITE
 * @form:     IO_DEMO_STRING: insb(), insw(), insl(), outsb() and so on for bare ports,
 *            ioread8_rep() and so on where there is a mapping, not IO_DEMO_MAP_CACHED;
 *            IO_DEMO_BLOCK: memcpy_fromio(), memcpy_toio() for I/O memory
 * @width:    IO_DEMO_STRING: bytes, 1, 2 or 4; IO_DEMO_BLOCK: must be 1
 * @offset:   in the region, a multiple of @width
 * @buffer:   address of the caller's memory
 * @count:    how many values, together at most IO_DEMO_MAX_TRANSFER bytes
 * @done:     out, also if the call fails: how many were transferred
 */
struct io_demo_transfer {
	__u32 handle;
	__u32 op;
	__u32 form;
	__u32 width;
	__u64 offset;
	__u64 buffer;
	__u32 count;
	__u32 done;
};

/**
 * struct io_demo_latency - measure accesses, one after the other
 * @handle:    of a region
 * @op:        IO_DEMO_READ or IO_DEMO_WRITE
 * @by:        one of IO_DEMO_BY_*
 * @width:     bytes
 * @offset:    in the region, a multiple of @width
 * @value:     what is to be written
 * @count:     how many accesses, 1 to IO_DEMO_MAX_COUNT
 * @reserved:  must be 0
 * @region_ns: out: nanoseconds for all accesses to the region
 * @memory_ns: out: for as many to ordinary memory, in the same loop
 */
struct io_demo_latency {
	__u32 handle;
	__u32 op;
	__u32 by;
	__u32 width;
	__u64 offset;
	__u64 value;
	__u32 count;
	__u32 reserved;
	__u64 region_ns;
	__u64 memory_ns;
};

/*
 * The edu devices, PCI 1234:11e8 (QEMU: -device edu). They are numbered from 0
 * as they are found; a number is used again when its device was removed.
 */
#define IO_DEMO_MAX_EDUS	8

/* Values of io_demo_edu.state. */
#define IO_DEMO_EDU_MSI		1	/* interrupts are messages; else a shared line */
#define IO_DEMO_EDU_IOMMU	2	/* an IOMMU translates its addresses */
#define IO_DEMO_EDU_BOUNCE	4	/* what it cannot reach goes through a bounce buffer */
#define IO_DEMO_EDU_FORCED	8	/* everything does (swiotlb=force) */
#define IO_DEMO_EDU_RAW		16	/* @bar is a complete address */

/**
 * struct io_demo_edu - what there is to know of a device
 * @index:      in: which
 * @state:      out: IO_DEMO_EDU_*
 * @present:    out: which devices there are, bit N for device N
 * @id:         out: its identification register, 0xRRrr00ed: version RR.rr
 * @irq:        out: Linux's number of its interrupt
 * @mask_bits:  out: how many address bits the driver lets it use
 * @bar:        out: physical address of its registers
 * @bar_size:   out: their bytes
 * @interrupts: out: its interrupts
 * @threads:    out: how often the threaded half ran
 * @works:      out: how often the work ran
 * @others:     out: interrupts on a shared line that were not its own
 * @name:       out: as in /sys/bus/pci/devices
 *
 * ENODEV if there is no such device; @present is valid then too.
 */
struct io_demo_edu {
	__u32 index;
	__u32 state;
	__u32 present;
	__u32 id;
	__u32 irq;
	__u32 mask_bits;
	__u64 bar;
	__u64 bar_size;
	__u64 interrupts;
	__u64 threads;
	__u64 works;
	__u64 others;
	char name[32];
};

/**
 * struct io_demo_live - does the device live? It inverts what it is told.
 * @index:    which device
 * @value:    what is written
 * @answer:   out: what is read then
 * @reserved: must be 0
 */
struct io_demo_live {
	__u32 index;
	__u32 value;
	__u32 answer;
	__u32 reserved;
};

/* Values of io_demo_factorial.flags. */
#define IO_DEMO_POLL		1	/* look at the status, want no interrupt */

/**
 * struct io_demo_factorial - let the device compute
 * @index:      which device
 * @flags:      IO_DEMO_POLL or 0
 * @n:          of what
 * @result:     out: the factorial of @n, modulo 2^32
 * @timeout_ms: how long to wait, 1 to IO_DEMO_MAX_TIMEOUT
 * @reserved:   must be 0
 * @ns:         out: nanoseconds from the command to the result
 *
 * A result that is there when the time is over is returned, whether or not an
 * interrupt told of it.
 *
 * If the device is still computing this because an earlier call did not wait for
 * the end, the call waits for that, and @ns is the time that it waited.
 */
struct io_demo_factorial {
	__u32 index;
	__u32 flags;
	__u32 n;
	__u32 result;
	__u32 timeout_ms;
	__u32 reserved;
	__u64 ns;
};

/* The interrupts that a program may raise; the driver uses the other bits. */
#define IO_DEMO_USER_IRQS	0x0000fe00

/**
 * struct io_demo_raise - have the device raise an interrupt
 * @index: which device
 * @bits:  of its interrupt status, of IO_DEMO_USER_IRQS, at least one
 */
struct io_demo_raise {
	__u32 index;
	__u32 bits;
};

/**
 * struct io_demo_wait - wait for an interrupt that a program has raised
 * @index:      which device
 * @timeout_ms: how long, 0 to IO_DEMO_MAX_TIMEOUT
 * @seen:       in: how many the caller has seen; the call waits until there are
 *              more. Out: how many there have been
 * @bits:       out: the status bits of the last one
 * @reserved:   must be 0
 */
struct io_demo_wait {
	__u32 index;
	__u32 timeout_ms;
	__u64 seen;
	__u32 bits;
	__u32 reserved;
};

/* Values of io_demo_irq.half: who wakes the program that waits. */
#define IO_DEMO_HALF_HARD	1	/* the handler, in hard interrupt context */
#define IO_DEMO_HALF_THREAD	2	/* the threaded half of the handler */
#define IO_DEMO_HALF_WORK	3	/* a work item that the handler queues */

#define IO_DEMO_BUCKETS		32

/**
 * struct io_demo_times - a distribution
 * @min:    nanoseconds
 * @max:    nanoseconds
 * @sum:    nanoseconds, of all
 * @bucket: how many took 2^i nanoseconds and less than 2^(i+1); 0 ns is in the
 *          first, the last one is open
 */
struct io_demo_times {
	__u64 min;
	__u64 max;
	__u64 sum;
	__u32 bucket[IO_DEMO_BUCKETS];
};

/**
 * struct io_demo_irq - raise interrupts one by one, and take the times
 * @index:    which device
 * @half:     one of IO_DEMO_HALF_*
 * @count:    how many, 1 to IO_DEMO_MAX_COUNT
 * @done:     out: how many there were, fewer if a signal came
 * @handler:  out: from raising to the handler
 * @lower:    out: from raising to @half
 * @task:     out: from raising to the program, which runs again
 */
struct io_demo_irq {
	__u32 index;
	__u32 half;
	__u32 count;
	__u32 done;
	struct io_demo_times handler;
	struct io_demo_times lower;
	struct io_demo_times task;
};

/* Values of io_demo_dma.kind. */
#define IO_DEMO_DMA_COHERENT	1	/* dma_alloc_coherent() */
#define IO_DEMO_DMA_WC		2	/* dma_alloc_wc(), write-combining */
#define IO_DEMO_DMA_POOL	3	/* dma_pool_zalloc(), IO_DEMO_POOL_SIZE bytes */
#define IO_DEMO_DMA_STREAM	4	/* alloc_pages() and dma_map_page() */

/* Values of io_demo_dma.flags and io_demo_dma_cost.flags. */
#define IO_DEMO_DMA_ABOVE	1	/* pages above the device's mask; only stream */

/* Values of state of a DMA buffer. */
#define IO_DEMO_DMA_RAW		1	/* addresses are complete */
#define IO_DEMO_DMA_SAME	2	/* the bus address is the physical one */
#define IO_DEMO_DMA_BOUNCED	4	/* the device works on a bounce buffer */
#define IO_DEMO_DMA_IOMMU	8	/* an IOMMU translates the bus address */
#define IO_DEMO_DMA_VMALLOC	16	/* the kernel's address is not in the direct map */

/**
 * struct io_demo_dma - make a buffer that a device can reach
 * @index:    which edu device
 * @kind:     one of IO_DEMO_DMA_COHERENT to STREAM
 * @flags:    IO_DEMO_DMA_ABOVE or 0
 * @handle:   out
 * @size:     bytes, 1 to IO_DEMO_MAX_BUFFER
 * @virt:     out: the kernel's address
 * @phys:     out: the physical address
 * @bus:      out: the device's address
 * @state:    out: of IO_DEMO_DMA_RAW to VMALLOC
 * @reserved: must be 0
 *
 * It is filled with zeroes. EIO: the device cannot reach it, by itself or by a
 * bounce buffer. When the device is removed, the buffer goes; its handle stays
 * and answers ENODEV.
 */
struct io_demo_dma {
	__u32 index;
	__u32 kind;
	__u32 flags;
	__u32 handle;
	__u64 size;
	__u64 virt;
	__u64 phys;
	__u64 bus;
	__u32 state;
	__u32 reserved;
};

/**
 * struct io_demo_dma_copy - read or write a DMA buffer with the CPU
 * @handle:   of the buffer
 * @op:       IO_DEMO_READ or IO_DEMO_WRITE
 * @offset:   in the buffer
 * @buffer:   address of the caller's memory
 * @size:     bytes
 *
 * A buffer of kind IO_DEMO_DMA_STREAM is synchronised for the CPU before, and
 * for the device after. EFAULT: a part of it may have been copied.
 */
struct io_demo_dma_copy {
	__u32 handle;
	__u32 op;
	__u64 offset;
	__u64 buffer;
	__u64 size;
};

/**
 * struct io_demo_dma_run - let the device read or write a DMA buffer
 * @handle:   of the buffer
 * @op:       IO_DEMO_WRITE: from the buffer to the device; IO_DEMO_READ: back
 * @offset:   in the buffer
 * @device:   offset in the device's memory
 * @size:     bytes; @device + @size is at most IO_DEMO_EDU_MEMORY
 * @ns:       out: nanoseconds until its interrupt. QEMU's device always takes
 *            100 ms
 */
struct io_demo_dma_run {
	__u32 handle;
	__u32 op;
	__u64 offset;
	__u32 device;
	__u32 size;
	__u64 ns;
};

/**
 * struct io_demo_dma_cost - measure what mapping memory for a device costs
 * @index:         which edu device; it does nothing itself
 * @flags:         IO_DEMO_DMA_ABOVE or 0
 * @size:          bytes, 1 to IO_DEMO_MAX_BUFFER
 * @count:         how often, 1 to IO_DEMO_MAX_COUNT
 * @state:         out: IO_DEMO_DMA_*, of the mapping
 * @map_ns:        out: nanoseconds for all dma_map_single()
 * @for_device_ns: out: for all dma_sync_single_for_device()
 * @for_cpu_ns:    out: for all dma_sync_single_for_cpu()
 * @unmap_ns:      out: for all dma_unmap_single()
 * @copy_ns:       out: for as many memcpy() of this size
 * @done:          out: how often; fewer than @count if a signal came
 * @reserved:      must be 0
 *
 * The mapping is DMA_BIDIRECTIONAL, so that each step does all it ever has to.
 */
struct io_demo_dma_cost {
	__u32 index;
	__u32 flags;
	__u64 size;
	__u32 count;
	__u32 state;
	__u64 map_ns;
	__u64 for_device_ns;
	__u64 for_cpu_ns;
	__u64 unmap_ns;
	__u64 copy_ns;
	__u32 done;
	__u32 reserved;
};

/* Values of io_demo_reserved.flags, which are also out. */
#define IO_DEMO_CLOEXEC		1	/* in: close the descriptor on exec */
#define IO_DEMO_RESERVED_RAW	2	/* out: @start is a complete address */

/**
 * struct io_demo_reserved - a descriptor for the memory reserved at boot
 * @flags:    in: IO_DEMO_CLOEXEC or 0; out also IO_DEMO_RESERVED_RAW
 * @reserved: must be 0
 * @start:    out: physical address
 * @size:     out: bytes
 *
 * The call returns the descriptor. It can be read, written and mapped, shared,
 * and it pins the module, not the file that it came from. Like the ioctls, read(),
 * write() and mmap() ask for CAP_SYS_RAWIO and a kernel that is not locked down each
 * time: EPERM without, also for a program that was handed the descriptor. A mapping
 * keeps all that it has: its pages stay readable, and writable if it is, until it is
 * unmapped, whatever the program or the kernel loses meanwhile; fork() copies it. It
 * does not grow, and is never executable (PROT_EXEC: mmap() is EPERM, mprotect()
 * EACCES).
 */
struct io_demo_reserved {
	__u32 flags;
	__u32 reserved;
	__u64 start;
	__u64 size;
};

/* Values of io_demo_area.kind. */
#define IO_DEMO_AREA_VIRTUAL	1	/* a part of the kernel's virtual addresses */
#define IO_DEMO_AREA_ZONE	2	/* a zone of physical memory */

/**
 * struct io_demo_area - a part of an address space
 * @start:   its first address, or 0 if that is not shown
 * @size:    bytes
 * @present: zones: bytes of it that are memory; else 0
 * @managed: zones: bytes that the page allocator has; else 0
 * @kind:    one of IO_DEMO_AREA_*
 * @node:    zones: the memory node; else 0
 * @name:    what it is
 */
struct io_demo_area {
	__u64 start;
	__u64 size;
	__u64 present;
	__u64 managed;
	__u32 kind;
	__u32 node;
	char name[24];
};

/* Values of io_demo_layout.state. */
#define IO_DEMO_LAYOUT_RAW	1	/* addresses are complete */

/**
 * struct io_demo_layout - the kernel's address spaces on this machine
 * @areas:     address of an array of struct io_demo_area
 * @room:      elements that it has
 * @count:     out: how many there are; only @room of them are stored
 * @state:     out: IO_DEMO_LAYOUT_RAW or 0
 * @page_size: out: bytes
 */
struct io_demo_layout {
	__u64 areas;
	__u32 room;
	__u32 count;
	__u32 state;
	__u32 page_size;
};

/*
 * VS_IO_CLAIM    - take possession of a range of ports or I/O memory.
 * VS_IO_RELEASE  - give it back, or a DMA buffer.
 * VS_IO_ACCESS   - read or write one value.
 * VS_IO_TRANSFER - read or write many.
 * VS_IO_LATENCY  - measure.
 *
 * VS_IO_EDU      - identify an edu device.
 * VS_IO_LIVE     - have it invert a number.
 * VS_IO_FACTORIAL - have it compute.
 * VS_IO_RAISE    - have it raise an interrupt.
 * VS_IO_WAIT     - wait for one that was raised so.
 * VS_IO_IRQ      - measure interrupts.
 *
 * VS_IO_DMA      - make a buffer that it can reach.
 * VS_IO_DMA_COPY - access it by the CPU.
 * VS_IO_DMA_RUN  - access it by the device.
 * VS_IO_DMA_COST - measure mappings.
 *
 * VS_IO_RESERVED - get a descriptor for the memory reserved at boot.
 * VS_IO_LAYOUT   - tell the kernel's address spaces.
 */
#define VS_IO_CLAIM	_IOWR(VS_MAGIC, 0x80, struct io_demo_claim)
#define VS_IO_RELEASE	_IOW(VS_MAGIC, 0x81, struct io_demo_release)
#define VS_IO_ACCESS	_IOWR(VS_MAGIC, 0x82, struct io_demo_access)
#define VS_IO_TRANSFER	_IOWR(VS_MAGIC, 0x83, struct io_demo_transfer)
#define VS_IO_LATENCY	_IOWR(VS_MAGIC, 0x84, struct io_demo_latency)
#define VS_IO_EDU	_IOWR(VS_MAGIC, 0x90, struct io_demo_edu)
#define VS_IO_LIVE	_IOWR(VS_MAGIC, 0x91, struct io_demo_live)
#define VS_IO_FACTORIAL	_IOWR(VS_MAGIC, 0x92, struct io_demo_factorial)
#define VS_IO_RAISE	_IOW(VS_MAGIC, 0x93, struct io_demo_raise)
#define VS_IO_WAIT	_IOWR(VS_MAGIC, 0x94, struct io_demo_wait)
#define VS_IO_IRQ	_IOWR(VS_MAGIC, 0x95, struct io_demo_irq)
#define VS_IO_DMA	_IOWR(VS_MAGIC, 0xa0, struct io_demo_dma)
#define VS_IO_DMA_COPY	_IOW(VS_MAGIC, 0xa1, struct io_demo_dma_copy)
#define VS_IO_DMA_RUN	_IOWR(VS_MAGIC, 0xa2, struct io_demo_dma_run)
#define VS_IO_DMA_COST	_IOWR(VS_MAGIC, 0xa3, struct io_demo_dma_cost)
#define VS_IO_RESERVED	_IOWR(VS_MAGIC, 0xb0, struct io_demo_reserved)
#define VS_IO_LAYOUT	_IOWR(VS_MAGIC, 0xb1, struct io_demo_layout)

#endif /* _IO_DEMO_H */
