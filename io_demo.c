// SPDX-License-Identifier: GPL-2.0
/*
 * io_demo - the hardware laboratory of vser
 *
 * Every way in which a driver reaches hardware, as an ioctl of /dev/vser that
 * can be tried on a device that answers: I/O ports, I/O memory, interrupts,
 * DMA, memory reserved at boot. Part of it is a complete driver of a PCI
 * device, the "edu" device of QEMU. The interface is in io_demo.h. This file is
 * the front: the table of ioctls, and load and unload. It calls the parts, which
 * are in io/; no part calls it. From the bottom up:
 *
 *	io/call.c	what all operations begin and end with
 *	io/handle.c	an open file, and what its handles stand for
 *	io/resource.c	the kernel's trees of ports and addresses
 *	io/firmware.c	the firmware's map of memory
 *	io/region.c	ports and I/O memory
 *	io/reserved.c	memory reserved at boot
 *	io/layout.c	the kernel's address spaces
 *	io/reach.c	what memory a device reaches
 *	io/card.c	the PCI driver, its interrupts
 *	io/dma.c	buffers that a device reaches
 *
 * Only card.c and dma.c call each other: a transfer locks and runs the card, and a
 * card that goes takes the buffers' memory with it. io/lab.h is what the parts know
 * of each other.
 */
#include <linux/capability.h>
#include <linux/module.h>

#include "io/lab.h"
#include "io_demo.h"
#include "lab.h"

static_assert(sizeof(struct io_demo_claim) == 40);
static_assert(sizeof(struct io_demo_release) == 8);
static_assert(sizeof(struct io_demo_access) == 40);
static_assert(sizeof(struct io_demo_transfer) == 40);
static_assert(sizeof(struct io_demo_latency) == 56);
static_assert(sizeof(struct io_demo_edu) == 104);
static_assert(sizeof(struct io_demo_live) == 16);
static_assert(sizeof(struct io_demo_factorial) == 32);
static_assert(sizeof(struct io_demo_raise) == 8);
static_assert(sizeof(struct io_demo_wait) == 24);
static_assert(sizeof(struct io_demo_times) == 152);
static_assert(sizeof(struct io_demo_irq) == 472);
static_assert(sizeof(struct io_demo_dma) == 56);
static_assert(sizeof(struct io_demo_dma_copy) == 32);
static_assert(sizeof(struct io_demo_dma_run) == 32);
static_assert(sizeof(struct io_demo_dma_cost) == 72);
static_assert(sizeof(struct io_demo_reserved) == 24);
static_assert(sizeof(struct io_demo_area) == 64);
static_assert(sizeof(struct io_demo_layout) == 24);

/*
 * Design
 * ======
 *
 * Objects. A &struct io_demo_file is what an open file has here: a table of
 * handles. A handle stands for a &struct io_demo_region, a range of ports or
 * I/O memory, or for a &struct io_demo_buffer, memory that a device reaches. A
 * &struct io_demo_card is an edu device. It is reference-counted: its driver
 * holds it while it is bound, each buffer and each running operation too. When
 * the device goes, the card is marked as gone and stripped of all that belonged
 * to the device, including the buffers' memory; what is left is a husk that
 * answers ENODEV until the last file lets go of it.
 *
 * Contexts. All runs in process context but for the interrupt handler, its
 * threaded half and its work item.
 *
 * Locks, outermost first:
 *
 *	file->lock		the handles, and what is done with what they
 *				stand for; held over user copies
 *	card->lock		the device: one operation at a time; never held
 *				over a user copy
 *	card->memory_lock	the memory that the device reaches; held for a
 *				short time only
 *	io_demo_cards_lock	which cards there are; nothing is done under it
 *	card->irq_lock		what the interrupt handler tells; a spinlock
 *
 * Waiting. An operation waits for the device with card->lock held, for a
 * limited time, and gives up when the card is gone; so the driver's remove
 * function need only say so and take the lock to be alone. Other operations can
 * be interrupted while they wait for card->lock or file->lock. Closing a file,
 * which nothing can interrupt, waits for neither. Who waits for another
 * program's interrupt holds no lock.
 */

/* The laboratory */

static const struct vser_lab_ioctl io_demo_ioctls[] = {
	{ VS_IO_CLAIM, io_demo_claim },
	{ VS_IO_RELEASE, io_demo_release },
	{ VS_IO_ACCESS, io_demo_access },
	{ VS_IO_TRANSFER, io_demo_transfer },
	{ VS_IO_LATENCY, io_demo_latency },
	{ VS_IO_EDU, io_demo_edu },
	{ VS_IO_LIVE, io_demo_live },
	{ VS_IO_FACTORIAL, io_demo_factorial },
	{ VS_IO_RAISE, io_demo_raise },
	{ VS_IO_WAIT, io_demo_wait },
	{ VS_IO_IRQ, io_demo_irq },
	{ VS_IO_DMA, io_demo_dma },
	{ VS_IO_DMA_COPY, io_demo_dma_copy },
	{ VS_IO_DMA_RUN, io_demo_dma_run },
	{ VS_IO_DMA_COST, io_demo_dma_cost },
	{ VS_IO_RESERVED, io_demo_reserved },
	{ VS_IO_LAYOUT, io_demo_layout },
};

static const struct vser_lab io_demo_lab = {
	.owner = THIS_MODULE,
	.id = VSER_LAB_IO,
	.capability = CAP_SYS_RAWIO,
	.ioctls = io_demo_ioctls,
	.nr_ioctls = ARRAY_SIZE(io_demo_ioctls),
	.open = io_demo_open,
	.release = io_demo_close,
};

static int __init io_demo_init(void)
{
	int ret;

	ret = io_demo_firmware_init();
	if (ret)
		return ret;
	ret = io_demo_reserved_init();
	if (ret)
		goto err_firmware_exit;
	ret = io_demo_cards_init();
	if (ret)
		goto err_reserved_exit;
	ret = vser_lab_register(&io_demo_lab);
	if (ret)
		goto err_cards_exit;

	return 0;

err_cards_exit:
	io_demo_cards_exit();
err_reserved_exit:
	io_demo_reserved_exit();
err_firmware_exit:
	io_demo_firmware_exit();
	return ret;
}

static void __exit io_demo_exit(void)
{
	vser_lab_unregister(&io_demo_lab);
	io_demo_cards_exit();
	io_demo_reserved_exit();
	io_demo_firmware_exit();
}

module_init(io_demo_init);
module_exit(io_demo_exit);

MODULE_AUTHOR("The vser maintainers");
MODULE_DESCRIPTION("The hardware laboratory of vser: ports, I/O memory, interrupts, DMA");
MODULE_LICENSE("GPL");
