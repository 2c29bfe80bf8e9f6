/* SPDX-License-Identifier: GPL-2.0 */
/*
 * io_demo - what the parts of the hardware laboratory know of each other
 *
 * The design is described in io_demo.c.
 */
#ifndef IO_DEMO_LAB_H
#define IO_DEMO_LAB_H

#include <linux/init.h>
#include <linux/kref.h>
#include <linux/limits.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

#define IO_DEMO_NAME	"io_demo"	/* in /proc/ioports and the like */

#define IO_DEMO_NOTHING	U64_MAX		/* no number that a device computes with */

struct device;
struct dma_pool;
struct page;
struct pci_dev;
struct resource;

enum io_demo_type {
	IO_DEMO_REGION,
	IO_DEMO_BUFFER,
};

/**
 * struct io_demo_object - what a handle stands for
 * @type:    which
 * @destroy: gives it back; file->lock is held, unless the file is being closed
 */
struct io_demo_object {
	enum io_demo_type type;
	void (*destroy)(struct io_demo_object *object);
};

/**
 * struct io_demo_file - the laboratory's part of an open file
 * @lock:    protects the rest, and its objects
 * @objects: by handle
 * @dma:     bytes that its buffers take
 */
struct io_demo_file {
	/* Process context, outermost. */
	struct mutex lock;
	struct xarray objects;
	size_t dma;
};

/**
 * struct io_demo_card - an edu device
 * @ref:      who knows it: its driver, buffers, running operations
 * @pdev:     the PCI device, a reference. Not to be touched when @gone, except
 *            under @lock or @memory_lock by who has seen there that it is not;
 *            but its masks are there to be read as long as the card is
 * @regs:     its registers
 * @pool:     small coherent buffers
 * @index:    number among the cards
 * @lock:     an operation is running, or the device is being removed
 * @gone:     the device is no more ours. Set once; read without a lock by who
 *            waits, and looked at again under @lock by who touches the device
 * @memory_lock: the device's memory is being made, mapped, looked at or freed
 * @buffers:  those that hold memory of the device; under @memory_lock
 * @computing: of what the device was told to compute the factorial, or
 *            IO_DEMO_NOTHING; under @lock
 * @wait:     woken for each interrupt, and when @gone is set
 * @work:     the half that IO_DEMO_HALF_WORK asks for
 * @irq_lock: protects what follows, which the handler tells
 * @events:   status bits that have come and that nobody has taken yet
 * @half:     who is to report an EDU_IRQ_TEST
 * @handler_ns: when the handler saw the last EDU_IRQ_TEST
 * @lower_ns: when @half was reached
 * @user_irqs: how many interrupts a program has raised
 * @user_bits: the last one's
 * @interrupts: how many interrupts there were in all
 * @threads:  how often the threaded half ran
 * @works:    how often the work ran
 * @others:   interrupts on a shared line that came from another device
 */
struct io_demo_card {
	struct kref ref;
	struct pci_dev *pdev;
	void __iomem *regs;
	struct dma_pool *pool;
	unsigned int index;
	/*
	 * Process context; inside file->lock. Held while the device works, hence
	 * waited for by who can be interrupted; but for the driver's functions.
	 */
	struct mutex lock;
	/*
	 * Process context; inside lock. Held for a short time: who gives a buffer
	 * back, be it that he is being killed, must not wait for a device.
	 */
	struct mutex memory_lock;
	bool gone;
	struct list_head buffers;
	u64 computing;
	wait_queue_head_t wait;
	struct work_struct work;
	/* Innermost; taken in hard interrupt context. */
	spinlock_t irq_lock;
	u32 events;
	u32 half;
	u64 handler_ns;
	u64 lower_ns;
	u64 user_irqs;
	u32 user_bits;
	u64 interrupts;
	u64 threads;
	u64 works;
	u64 others;
};

/* io/call.c */

int io_demo_allowed(void);
int io_demo_enter(void *data, const void __user *arg, size_t size);
int io_demo_leave(void __user *arg, const void *data, size_t size);
bool io_demo_sees_addresses(void);
bool io_demo_is_op(u32 op);
int io_demo_lock(struct mutex *lock);

/* io/handle.c */

void *io_demo_open(void);
void io_demo_close(void *state);
int io_demo_add(struct io_demo_file *file, struct io_demo_object *object,
		u32 *handle, void __user *arg, const void *data, size_t size);
struct io_demo_object *io_demo_find(struct io_demo_file *file, u32 handle,
				    enum io_demo_type type);
long io_demo_release(void *state, void __user *arg);

/* io/resource.c */

bool io_demo_touches(u64 start, u64 size, unsigned long flags,
		     unsigned long desc);
bool io_demo_of_pci_device(u64 start, u64 size, unsigned long type);
bool io_demo_may_nest(const struct resource *parent);

/* io/region.c */

long io_demo_claim(void *state, void __user *arg);
long io_demo_access(void *state, void __user *arg);
long io_demo_transfer(void *state, void __user *arg);
long io_demo_latency(void *state, void __user *arg);

/* io/reach.c */

bool io_demo_translated(struct device *dev);
bool io_demo_bounces(struct device *dev);
bool io_demo_mappable(struct device *dev, struct page *page, size_t size);
struct page *io_demo_pages(struct device *dev, size_t size, u32 flags);

/* io/card.c */

struct io_demo_card *io_demo_card_get(u32 index);
int io_demo_card_lock(struct io_demo_card *card);
void io_demo_card_put(void *card);
bool io_demo_card_gone(struct io_demo_card *card);
int io_demo_card_run(struct io_demo_card *card, u32 op, dma_addr_t bus,
		     u32 device, u32 size);

long io_demo_edu(void *state, void __user *arg);
long io_demo_live(void *state, void __user *arg);
long io_demo_factorial(void *state, void __user *arg);
long io_demo_raise(void *state, void __user *arg);
long io_demo_wait(void *state, void __user *arg);
long io_demo_irq(void *state, void __user *arg);

int io_demo_cards_init(void);
void io_demo_cards_exit(void);

/* io/dma.c */

void io_demo_buffers_strip(struct io_demo_card *card);

long io_demo_dma(void *state, void __user *arg);
long io_demo_dma_copy(void *state, void __user *arg);
long io_demo_dma_run(void *state, void __user *arg);
long io_demo_dma_cost(void *state, void __user *arg);

/* io/reserved.c */

long io_demo_reserved(void *state, void __user *arg);

int io_demo_reserved_init(void);
void io_demo_reserved_exit(void);

/* io/firmware.c */

bool io_demo_is_of_firmware(u64 start, u64 size);
bool io_demo_is_given_away(u64 start, u64 size);

int io_demo_firmware_init(void);
void io_demo_firmware_exit(void);

/* io/layout.c */

long io_demo_layout(void *state, void __user *arg);

#endif /* IO_DEMO_LAB_H */
