/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests of the hardware laboratory share. Whatever fails in here fails
 * the test that called it. The devices are those of test/vm/machines.
 */
#ifndef IO_H
#define IO_H

#include <linux/types.h>

#include "io_demo.h"
#include "line.h"

/* Where the devices of the common machine are. */
#define TEST_PORTS	0xe0	/* pc-testdev: four ports that remember */
#define CONSOLE_PORT	0xe9	/* isa-debugcon: a file on the host */
#define SERIAL_PORTS	0x2f8	/* the kernel's own */
#define TEST_MEMORY	0xff000000u	/* pc-testdev: I/O memory that remembers */
#define TEST_MEMORY_SIZE	0x10000
#define RESERVED	"8M@0x1f000000"
#define RESERVED_START	0x1f000000
#define RESERVED_SIZE	(8 << 20)

#define EDU		"0000:00:04.0"
#define PCI		"/sys/bus/pci/devices/"

/* With 1 instead of 0, addresses are shown to whoever has CAP_SYSLOG. */
#define KPTR		"/proc/sys/kernel/kptr_restrict"

/* The module; the try returns 0 or an errno. */

int try_load_lab(const char *parameters);
void unload_lab(void);

/* Forgets what the kernel's log has; and: has this been written there since? */
void clear_log(void);
bool log_has(const char *text);

/* A control-only descriptor of a laboratory that is loaded afresh. */
int lab(const char *parameters);

/* Regions */

int try_claim(int fd, struct io_demo_claim *claim);
__u32 claim(int fd, __u32 space, __u32 map, __u64 start, __u64 size);
__u32 claim_ports(int fd, __u64 start, __u64 size);
void release(int fd, __u32 handle);

/*
 * Tries to claim the beginning of each range that /proc/ioports or /proc/iomem has
 * but for windows of buses: none of it is granted. Of the claim, size and start are
 * set here; the size it has is the least that can be claimed.
 */
void check_owners(int fd, const char *path, struct io_demo_claim claim);

int try_access(int fd, __u32 handle, __u32 op, __u32 by, __u32 width,
	       __u64 offset, __u64 value);
__u64 get(int fd, __u32 handle, __u32 by, __u32 width, __u64 offset);
void put(int fd, __u32 handle, __u32 by, __u32 width, __u64 offset, __u64 value);

/* Transfers; the first returns what ioctl() does, done goes to *done. */
int transfer(int fd, __u32 handle, __u32 op, __u32 form, __u32 width,
	     __u64 offset, void *buffer, __u32 count, __u32 *done);

/* The number that the kernel gives to a pointer of a program. */
__u64 address(const void *pointer);

/* edu */

/* The first address of a PCI device's registers, by its folder in sysfs. */
__u64 pci_registers(const char *device);

/* A PCI device's command register, by its name. */
#define COMMAND_MASTER		0x004	/* it may use the bus */
#define COMMAND_INTX_DISABLE	0x400	/* it does not raise its interrupt line */

__u16 pci_command(const char *name);
void set_pci_command(const char *name, __u16 command);

/* Its registers, mapped, while no driver has it. */
const volatile __u32 *map_pci_registers(const char *name);

struct io_demo_edu edu(int fd, __u32 index);
int try_factorial(int fd, __u32 index, __u32 n, __u32 timeout_ms);

/* DMA */

int try_dma(int fd, __u32 index, __u32 kind, __u32 flags, __u64 size,
	    struct io_demo_dma *dma);
struct io_demo_dma dma(int fd, __u32 kind, __u64 size);
int try_copy(int fd, __u32 handle, __u32 op, __u64 offset, void *buffer,
	     __u64 size);
int try_run(int fd, __u32 handle, __u32 op, __u64 offset, __u32 device,
	    __u32 size);

/* Sends a pattern through the device and back, and compares. */
void check_round_trip(int fd, const struct io_demo_dma *dma, __u32 size,
		      unsigned int seed);

/* Fills memory with a pattern that depends on the seed. */
void fill_pattern(unsigned char *memory, size_t size, unsigned int seed);

#endif /* IO_H */
