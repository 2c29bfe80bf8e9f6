// SPDX-License-Identifier: GPL-2.0
/*
 * io_demo - the hardware laboratory of vser
 *
 * Every way in which a driver reaches hardware, as an ioctl of /dev/vser that
 * can be tried on a device that answers: I/O ports, I/O memory, interrupts,
 * DMA, memory reserved at boot. Part of it is a complete driver of a PCI
 * device, the "edu" device of QEMU. The interface is in io_demo.h. This file is
 * the frame; what is in it is in io/:
 *
 *	io/region.c	ports and I/O memory
 *	io/card.c	the PCI driver, its interrupts
 *	io/dma.c	memory that a device reaches
 *	io/reserved.c	memory reserved at boot
 *	io/firmware.c	the firmware's map of memory
 *	io/layout.c	the kernel's address spaces
 *
 * io/lab.h is what they know of each other.
 */
#include <linux/capability.h>
#include <linux/ioport.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/security.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/xarray.h>

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

bool io_demo_is_op(u32 op)
{
	return op == IO_DEMO_READ || op == IO_DEMO_WRITE;
}

/* Is there anything of this kind in the range of physical addresses? */
bool io_demo_touches(u64 start, u64 size, unsigned long flags,
		     unsigned long desc)
{
	return region_intersects(start, size, flags, desc) != REGION_DISJOINT;
}

/*
 * Does a PCI device, or what is behind a bridge, answer in this range of ports
 * (@type is IORESOURCE_IO) or addresses (IORESOURCE_MEM)? The caller has locked out
 * that devices come and go.
 *
 * With a device goes the entry of its addresses in the kernel's tree, and what is
 * claimed within. Who claims such a range therefore drives the device, as its
 * driver is told before. Nobody would tell us.
 */
bool io_demo_of_pci_device(u64 start, u64 size, unsigned long type)
{
	struct resource range = { .start = start, .end = start + size - 1 };
	struct pci_dev *pdev = NULL;
	struct resource *resource;
	int i;

	for_each_pci_dev(pdev) {
		for (i = 0; i < DEVICE_COUNT_RESOURCE; i++) {
			resource = &pdev->resource[i];
			if (!resource->parent || resource_type(resource) != type ||
			    !resource_overlaps(resource, &range))
				continue;
			pci_dev_put(pdev);
			return true;
		}
	}

	return false;
}

/* Is this a range that a root bus of PCI forwards to its devices? */
static bool io_demo_is_bus_window(const struct resource *resource)
{
	struct resource *window;
	struct pci_bus *bus = NULL;
	int i;

	while ((bus = pci_find_next_bus(bus)))
		pci_bus_for_each_resource(bus, window, i)
			if (window == resource)
				return true;

	return false;
}

/*
 * May a range that was just granted stay where it was put in the kernel's tree?
 * The kernel puts it inside of whatever encloses it and is not marked as busy: the
 * tree's root, the window of a bus, but also what a platform device has. With that
 * device goes its entry, and all that is within; the range would be granted once
 * more, and to release it would be an error. Its driver is told before. Nobody would
 * tell us. The caller has locked out that PCI devices come and go.
 *
 * Only the address of @parent is looked at: it may be gone by now.
 */
bool io_demo_may_nest(const struct resource *parent)
{
	return parent == &iomem_resource || parent == &ioport_resource ||
	       io_demo_is_bus_window(parent);
}

/*
 * Locks the file, or a card. No signal, or one that no handler sees (a debugger,
 * a shell that stops its job, the system that goes to sleep), is to end a call:
 * then it begins again.
 */
int io_demo_lock(struct mutex *lock)
{
	return mutex_lock_interruptible(lock) ? -ERESTARTSYS : 0;
}

/* What all operations begin and end with */

/*
 * May the caller call at all? A program that drives a device that does DMA, or
 * touches ports and memory at its own choice, can do all that /dev/mem could: so
 * capability and lockdown are the same. The right may be lost while a descriptor is
 * open: hence this is asked at each call that reaches hardware, not at the first.
 */
int io_demo_allowed(void)
{
	if (!capable(CAP_SYS_RAWIO))
		return -EPERM;

	return security_locked_down(LOCKDOWN_DEV_MEM);
}

/* Takes in the argument of an operation. */
int io_demo_enter(void *data, const void __user *arg, size_t size)
{
	int ret = io_demo_allowed();

	if (ret)
		return ret;

	return copy_from_user(data, arg, size) ? -EFAULT : 0;
}

int io_demo_leave(void __user *arg, const void *data, size_t size)
{
	return copy_to_user(arg, data, size) ? -EFAULT : 0;
}

/*
 * Does the caller see addresses as they are? The kernel answers that question
 * for its own files by the format %pK, and its answer is ours.
 */
bool io_demo_sees_addresses(void)
{
	char shown[2 * sizeof(void *) + 1], is[2 * sizeof(void *) + 1];
	void *address = io_demo_sees_addresses;

	snprintf(shown, sizeof(shown), "%pK", address);
	snprintf(is, sizeof(is), "%0*lx", (int)(2 * sizeof(void *)),
		 (unsigned long)address);

	return !strcmp(shown, is);
}

/* Handles */

/*
 * Makes the object known to the file, and its handle to the caller; @data, with
 * @handle in it, goes to @arg. If it fails, the caller still has the object.
 */
int io_demo_add(struct io_demo_file *file, struct io_demo_object *object,
		u32 *handle, void __user *arg, const void *data, size_t size)
{
	int ret;

	lockdep_assert_held(&file->lock);
	ret = xa_alloc(&file->objects, handle, object,
		       XA_LIMIT(1, IO_DEMO_MAX_HANDLES), GFP_KERNEL_ACCOUNT);
	if (ret)
		return ret == -EBUSY ? -EDQUOT : ret;

	ret = io_demo_leave(arg, data, size);
	if (ret)
		xa_erase(&file->objects, *handle);

	return ret;
}

struct io_demo_object *io_demo_find(struct io_demo_file *file, u32 handle,
				    enum io_demo_type type)
{
	struct io_demo_object *object;

	lockdep_assert_held(&file->lock);
	object = xa_load(&file->objects, handle);

	return object && object->type == type ? object : NULL;
}

static long io_demo_release(void *state, void __user *arg)
{
	struct io_demo_file *file = state;
	struct io_demo_object *object;
	struct io_demo_release release;
	int ret;

	ret = io_demo_enter(&release, arg, sizeof(release));
	if (ret)
		return ret;
	if (release.reserved)
		return -EINVAL;

	ret = io_demo_lock(&file->lock);
	if (ret)
		return ret;
	object = xa_erase(&file->objects, release.handle);
	if (object)
		object->destroy(object);
	else
		ret = -ENOENT;
	mutex_unlock(&file->lock);

	return ret;
}

/* The laboratory */

static void *io_demo_open(void)
{
	struct io_demo_file *file;

	file = kzalloc(sizeof(*file), GFP_KERNEL_ACCOUNT);
	if (!file)
		return ERR_PTR(-ENOMEM);
	mutex_init(&file->lock);
	xa_init_flags(&file->objects, XA_FLAGS_ALLOC1);

	return file;
}

static void io_demo_close(void *state)
{
	struct io_demo_file *file = state;
	struct io_demo_object *object;
	unsigned long handle;

	xa_for_each(&file->objects, handle, object)
		object->destroy(object);
	xa_destroy(&file->objects);
	kfree(file);
}

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
