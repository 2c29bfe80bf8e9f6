// SPDX-License-Identifier: GPL-2.0
/*
 * io_demo - ports and I/O memory
 *
 * How a driver takes possession of a range of addresses, maps it, and reads and
 * writes what is there.
 */
#include <linux/device.h>
#include <linux/fs.h>
#include <linux/io.h>
#include <linux/io-64-nonatomic-lo-hi.h>
#include <linux/ioport.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>
#include <linux/uaccess.h>

#include "io/lab.h"
#include "io_demo.h"

#define IO_DEMO_BATCH		256	/* accesses between two looks at the clock */

/**
 * struct io_demo_region - a range of ports or I/O memory that is ours
 * @object: what it is to its file
 * @map:    how it is reached, one of IO_DEMO_MAP_*
 * @start:  first port or address
 * @size:   ports or bytes
 * @io:     IO_DEMO_MAP_PORTS, UC and WC: the mapping
 * @mem:    IO_DEMO_MAP_CACHED: the mapping
 * @dev:    the device that all of it belongs to, if it is managed
 */
struct io_demo_region {
	struct io_demo_object object;
	u32 map;
	resource_size_t start;
	resource_size_t size;
	void __iomem *io;
	void *mem;
	struct device *dev;
};

static struct io_demo_region *io_demo_find_region(struct io_demo_file *file,
						  u32 handle)
{
	struct io_demo_object *object =
		io_demo_find(file, handle, IO_DEMO_REGION);

	return object ? container_of(object, struct io_demo_region, object) : NULL;
}

/* Regions: having them */

static void io_demo_region_release(struct io_demo_region *region)
{
	if (region->map == IO_DEMO_MAP_NONE || region->map == IO_DEMO_MAP_PORTS)
		release_region(region->start, region->size);
	else
		release_mem_region(region->start, region->size);
}

/* By the functions whose effect lasts until it is taken back one by one. */
static int io_demo_region_get(struct io_demo_region *region, u32 space)
{
	struct resource *granted;

	if (space == IO_DEMO_PORTS)
		granted = request_region(region->start, region->size,
					 IO_DEMO_NAME);
	else
		granted = request_mem_region(region->start, region->size,
					     IO_DEMO_NAME);
	if (!granted)
		return -EBUSY;
	if (!io_demo_may_nest(granted->parent)) {
		io_demo_region_release(region);
		return -EBUSY;
	}

	switch (region->map) {
	case IO_DEMO_MAP_NONE:
		return 0;
	case IO_DEMO_MAP_PORTS:
		region->io = ioport_map(region->start, region->size);
		break;
	case IO_DEMO_MAP_UC:
		region->io = ioremap(region->start, region->size);
		break;
	case IO_DEMO_MAP_WC:
		region->io = ioremap_wc(region->start, region->size);
		break;
	case IO_DEMO_MAP_CACHED:
		region->mem = memremap(region->start, region->size, MEMREMAP_WB);
		break;
	}
	if (region->io || region->mem)
		return 0;

	io_demo_region_release(region);

	return -ENOMEM;
}

static void io_demo_region_put(struct io_demo_region *region)
{
	switch (region->map) {
	case IO_DEMO_MAP_NONE:
		break;
	case IO_DEMO_MAP_PORTS:
		ioport_unmap(region->io);
		break;
	case IO_DEMO_MAP_UC:
	case IO_DEMO_MAP_WC:
		iounmap(region->io);
		break;
	case IO_DEMO_MAP_CACHED:
		memunmap(region->mem);
		break;
	}

	io_demo_region_release(region);
}

/*
 * By the managed functions, whose effect lasts as long as the device: there is
 * nothing to undo, here or later, because unregistering the device does it all.
 */
static int io_demo_region_get_managed(struct io_demo_region *region, u32 space)
{
	struct device *dev = region->dev;
	struct resource *granted;

	if (space == IO_DEMO_PORTS)
		granted = devm_request_region(dev, region->start, region->size,
					      IO_DEMO_NAME);
	else
		granted = devm_request_mem_region(dev, region->start,
						  region->size, IO_DEMO_NAME);
	if (!granted || !io_demo_may_nest(granted->parent))
		return -EBUSY;

	switch (region->map) {
	case IO_DEMO_MAP_NONE:
		return 0;
	case IO_DEMO_MAP_PORTS:
		region->io = devm_ioport_map(dev, region->start, region->size);
		break;
	case IO_DEMO_MAP_UC:
		region->io = devm_ioremap(dev, region->start, region->size);
		break;
	case IO_DEMO_MAP_WC:
		region->io = devm_ioremap_wc(dev, region->start, region->size);
		break;
	case IO_DEMO_MAP_CACHED:
		region->mem = devm_memremap(dev, region->start, region->size,
					    MEMREMAP_WB);
		return IS_ERR(region->mem) ? -ENOMEM : 0;
	}

	return region->io ? 0 : -ENOMEM;
}

/* A device for each managed region, so that their lives are independent. */
static struct device *io_demo_device(void)
{
	static atomic_t number = ATOMIC_INIT(-1);
	char name[24];

	snprintf(name, sizeof(name), IO_DEMO_NAME ".%u",
		 (u32)atomic_inc_return(&number));

	return root_device_register(name);
}

static void io_demo_region_destroy(struct io_demo_object *object)
{
	struct io_demo_region *region =
		container_of(object, struct io_demo_region, object);

	if (region->dev)
		root_device_unregister(region->dev);
	else
		io_demo_region_put(region);
	kfree(region);
}

/*
 * Is this a range of I/O memory? What the kernel uses as RAM is not, and neither
 * is what firmware keeps for itself: other parts of the kernel map that without
 * asking, as memory, and the types of two mappings must not differ.
 */
static int io_demo_check_memory(u64 start, u64 size)
{
	if (!PAGE_ALIGNED(start) || !PAGE_ALIGNED(size) || !size ||
	    size > IO_DEMO_MAX_CLAIM)
		return -EINVAL;
	if (start > iomem_resource.end || size - 1 > iomem_resource.end - start)
		return -EINVAL;
	if (io_demo_touches(start, size, IORESOURCE_SYSTEM_RAM, IORES_DESC_NONE) ||
	    io_demo_touches(start, size, IORESOURCE_MEM, IORES_DESC_RESERVED) ||
	    io_demo_is_of_firmware(start, size))
		return -EPERM;

	return 0;
}

static int io_demo_check_claim(const struct io_demo_claim *claim)
{
	if (claim->flags & ~IO_DEMO_MANAGED || claim->reserved)
		return -EINVAL;

	switch (claim->space) {
	case IO_DEMO_PORTS:
		if (claim->map != IO_DEMO_MAP_NONE &&
		    claim->map != IO_DEMO_MAP_PORTS)
			return -EINVAL;
		if (!claim->size || claim->start > ioport_resource.end ||
		    claim->size - 1 > ioport_resource.end - claim->start)
			return -EINVAL;
		return 0;
	case IO_DEMO_MEMORY:
		if (claim->map < IO_DEMO_MAP_UC ||
		    claim->map > IO_DEMO_MAP_CACHED)
			return -EINVAL;
		return io_demo_check_memory(claim->start, claim->size);
	default:
		return -EINVAL;
	}
}

/* Takes possession, by whichever functions, of what nobody else has or drives. */
static int io_demo_region_take(struct io_demo_region *region, u32 space)
{
	int ret;

	pci_lock_rescan_remove();
	if (io_demo_of_pci_device(region->start, region->size,
				  space == IO_DEMO_PORTS ? IORESOURCE_IO :
							   IORESOURCE_MEM))
		ret = -EBUSY;
	else if (region->dev)
		ret = io_demo_region_get_managed(region, space);
	else
		ret = io_demo_region_get(region, space);
	pci_unlock_rescan_remove();

	return ret;
}

static struct io_demo_region *
io_demo_region_create(const struct io_demo_claim *claim)
{
	struct io_demo_region *region;
	int ret;

	region = kzalloc(sizeof(*region), GFP_KERNEL_ACCOUNT);
	if (!region)
		return ERR_PTR(-ENOMEM);
	region->object.type = IO_DEMO_REGION;
	region->object.destroy = io_demo_region_destroy;
	region->map = claim->map;
	region->start = claim->start;
	region->size = claim->size;

	if (claim->flags & IO_DEMO_MANAGED) {
		region->dev = io_demo_device();
		if (IS_ERR(region->dev)) {
			ret = PTR_ERR(region->dev);
			goto err_free;
		}
	}
	ret = io_demo_region_take(region, claim->space);
	if (ret)
		goto err_unregister;

	return region;

err_unregister:
	if (region->dev)
		root_device_unregister(region->dev);
err_free:
	kfree(region);
	return ERR_PTR(ret);
}

long io_demo_claim(void *state, void __user *arg)
{
	struct io_demo_file *file = state;
	struct io_demo_region *region;
	struct io_demo_claim claim;
	int ret;

	ret = io_demo_enter(&claim, arg, sizeof(claim));
	if (!ret)
		ret = io_demo_check_claim(&claim);
	if (ret)
		return ret;

	region = io_demo_region_create(&claim);
	if (IS_ERR(region))
		return PTR_ERR(region);

	/* Another thread may have the lock for as long as its device takes. */
	ret = io_demo_lock(&file->lock);
	if (ret)
		goto err_destroy;
	ret = io_demo_add(file, &region->object, &claim.handle, arg, &claim,
			  sizeof(claim));
	mutex_unlock(&file->lock);
	if (ret)
		goto err_destroy;

	return 0;

err_destroy:
	io_demo_region_destroy(&region->object);
	return ret;
}

/* Regions: accessing them */

/**
 * struct io_demo_accessor - the functions of the kernel for one kind of access
 * @maps:  of regions that are mapped in one of these ways, bits by IO_DEMO_MAP_*
 * @by:    one of IO_DEMO_BY_*
 * @width: bytes
 * @read:  read a value
 * @write: write a value
 */
struct io_demo_accessor {
	u32 maps;
	u32 by;
	u32 width;
	u64 (*read)(const struct io_demo_region *region, size_t offset);
	void (*write)(const struct io_demo_region *region, size_t offset,
		      u64 value);
};

#define IO_DEMO_ACCESSOR(name, get, put)				\
static u64 io_demo_read_##name(const struct io_demo_region *region,	\
			       size_t offset)				\
{									\
	return get;							\
}									\
									\
static void io_demo_write_##name(const struct io_demo_region *region,	\
				 size_t offset, u64 value)		\
{									\
	put;								\
}

#define IO_DEMO_PORT(bwl)						\
	IO_DEMO_ACCESSOR(port_##bwl, in##bwl(region->start + offset),	\
			 out##bwl(value, region->start + offset))
#define IO_DEMO_MMIO(bwlq)						\
	IO_DEMO_ACCESSOR(bwlq, read##bwlq(region->io + offset),		\
			 write##bwlq(value, region->io + offset))
#define IO_DEMO_IOMAP(bits)						\
	IO_DEMO_ACCESSOR(io##bits, ioread##bits(region->io + offset),	\
			 iowrite##bits(value, region->io + offset))
#define IO_DEMO_MEM(type)						\
	IO_DEMO_ACCESSOR(type, READ_ONCE(*(type *)(region->mem + offset)), \
			 WRITE_ONCE(*(type *)(region->mem + offset), value))

IO_DEMO_PORT(b)
IO_DEMO_PORT(w)
IO_DEMO_PORT(l)
IO_DEMO_MMIO(b)
IO_DEMO_MMIO(w)
IO_DEMO_MMIO(l)
IO_DEMO_MMIO(q)
IO_DEMO_MMIO(b_relaxed)
IO_DEMO_MMIO(w_relaxed)
IO_DEMO_MMIO(l_relaxed)
IO_DEMO_MMIO(q_relaxed)
IO_DEMO_IOMAP(8)
IO_DEMO_IOMAP(16)
IO_DEMO_IOMAP(32)
IO_DEMO_MEM(u8)
IO_DEMO_MEM(u16)
IO_DEMO_MEM(u32)
IO_DEMO_MEM(u64)

#define IO_DEMO_IN_IO		(BIT(IO_DEMO_MAP_UC) | BIT(IO_DEMO_MAP_WC))
#define IO_DEMO_IN_IOMAP	(BIT(IO_DEMO_MAP_PORTS) | IO_DEMO_IN_IO)

#define IO_DEMO_ROW(maps, by, width, name)				\
	{ maps, IO_DEMO_BY_##by, width, io_demo_read_##name, io_demo_write_##name }

static const struct io_demo_accessor io_demo_accessors[] = {
	IO_DEMO_ROW(BIT(IO_DEMO_MAP_NONE), DEFAULT, 1, port_b),
	IO_DEMO_ROW(BIT(IO_DEMO_MAP_NONE), DEFAULT, 2, port_w),
	IO_DEMO_ROW(BIT(IO_DEMO_MAP_NONE), DEFAULT, 4, port_l),
	IO_DEMO_ROW(IO_DEMO_IN_IO, DEFAULT, 1, b),
	IO_DEMO_ROW(IO_DEMO_IN_IO, DEFAULT, 2, w),
	IO_DEMO_ROW(IO_DEMO_IN_IO, DEFAULT, 4, l),
	IO_DEMO_ROW(IO_DEMO_IN_IO, DEFAULT, 8, q),
	IO_DEMO_ROW(IO_DEMO_IN_IO, RELAXED, 1, b_relaxed),
	IO_DEMO_ROW(IO_DEMO_IN_IO, RELAXED, 2, w_relaxed),
	IO_DEMO_ROW(IO_DEMO_IN_IO, RELAXED, 4, l_relaxed),
	IO_DEMO_ROW(IO_DEMO_IN_IO, RELAXED, 8, q_relaxed),
	IO_DEMO_ROW(IO_DEMO_IN_IOMAP, IOREAD, 1, io8),
	IO_DEMO_ROW(IO_DEMO_IN_IOMAP, IOREAD, 2, io16),
	IO_DEMO_ROW(IO_DEMO_IN_IOMAP, IOREAD, 4, io32),
	IO_DEMO_ROW(BIT(IO_DEMO_MAP_CACHED), DEFAULT, 1, u8),
	IO_DEMO_ROW(BIT(IO_DEMO_MAP_CACHED), DEFAULT, 2, u16),
	IO_DEMO_ROW(BIT(IO_DEMO_MAP_CACHED), DEFAULT, 4, u32),
	IO_DEMO_ROW(BIT(IO_DEMO_MAP_CACHED), DEFAULT, 8, u64),
};

static const struct io_demo_accessor *io_demo_accessor(u32 map, u32 by,
						       u32 width)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(io_demo_accessors); i++)
		if (io_demo_accessors[i].maps & BIT(map) &&
		    io_demo_accessors[i].by == by &&
		    io_demo_accessors[i].width == width)
			return &io_demo_accessors[i];

	return NULL;
}

/* Do @size bytes at @offset lie in the region, aligned to @width? */
static bool io_demo_fits(const struct io_demo_region *region, u64 offset,
			 u64 size, u32 width)
{
	return size <= region->size && offset <= region->size - size &&
	       IS_ALIGNED(offset, width);
}

/* Finds region and accessor of an access that a caller wants to make. */
static int io_demo_check_access(struct io_demo_file *file, u32 handle, u32 by,
				u32 width, u64 offset,
				struct io_demo_region **region,
				const struct io_demo_accessor **accessor)
{
	*region = io_demo_find_region(file, handle);
	if (!*region)
		return -ENOENT;
	*accessor = io_demo_accessor((*region)->map, by, width);
	if (!*accessor || !io_demo_fits(*region, offset, width, width))
		return -EINVAL;

	return 0;
}

static bool io_demo_value_fits(u64 value, u32 width)
{
	return width >= sizeof(value) || value >> (8 * width) == 0;
}

long io_demo_access(void *state, void __user *arg)
{
	const struct io_demo_accessor *accessor;
	struct io_demo_file *file = state;
	struct io_demo_region *region;
	struct io_demo_access access;
	int ret;

	ret = io_demo_enter(&access, arg, sizeof(access));
	if (ret)
		return ret;
	if (!io_demo_is_op(access.op) || access.reserved)
		return -EINVAL;
	if (access.op == IO_DEMO_WRITE &&
	    !io_demo_value_fits(access.value, access.width))
		return -EINVAL;

	ret = io_demo_lock(&file->lock);
	if (ret)
		return ret;
	ret = io_demo_check_access(file, access.handle, access.by, access.width,
				   access.offset, &region, &accessor);
	if (!ret && access.op == IO_DEMO_READ)
		access.value = accessor->read(region, access.offset);
	else if (!ret)
		accessor->write(region, access.offset, access.value);
	mutex_unlock(&file->lock);

	return ret ?: io_demo_leave(arg, &access, sizeof(access));
}

/* The nanoseconds that @count accesses take. */
static u64 io_demo_time(const struct io_demo_region *region,
			const struct io_demo_accessor *accessor, u32 op,
			size_t offset, u64 value, u32 count)
{
	u64 total = 0, start;
	u32 i, n;

	while (count && !fatal_signal_pending(current)) {
		n = min_t(u32, count, IO_DEMO_BATCH);
		start = ktime_get_ns();
		if (op == IO_DEMO_READ)
			for (i = 0; i < n; i++)
				accessor->read(region, offset);
		else
			for (i = 0; i < n; i++)
				accessor->write(region, offset, value);
		total += ktime_get_ns() - start;
		count -= n;
		cond_resched();
	}

	return total;
}

long io_demo_latency(void *state, void __user *arg)
{
	const struct io_demo_accessor *accessor, *plain;
	struct io_demo_file *file = state;
	struct io_demo_latency latency;
	struct io_demo_region *region;
	u64 word = 0;
	/* Ordinary memory, which is accessed by the same loop. */
	struct io_demo_region memory = { .mem = &word };
	int ret;

	ret = io_demo_enter(&latency, arg, sizeof(latency));
	if (ret)
		return ret;
	if (!io_demo_is_op(latency.op) || latency.reserved || !latency.count ||
	    latency.count > IO_DEMO_MAX_COUNT ||
	    !io_demo_value_fits(latency.value, latency.width))
		return -EINVAL;

	ret = io_demo_lock(&file->lock);
	if (ret)
		return ret;
	ret = io_demo_check_access(file, latency.handle, latency.by,
				   latency.width, latency.offset, &region,
				   &accessor);
	if (!ret) {
		plain = io_demo_accessor(IO_DEMO_MAP_CACHED, IO_DEMO_BY_DEFAULT,
					 latency.width);
		latency.region_ns = io_demo_time(region, accessor, latency.op,
						 latency.offset, latency.value,
						 latency.count);
		latency.memory_ns = io_demo_time(&memory, plain, latency.op, 0,
						 latency.value, latency.count);
	}
	mutex_unlock(&file->lock);

	return ret ?: io_demo_leave(arg, &latency, sizeof(latency));
}

static void io_demo_read_string(const struct io_demo_region *region, u32 width,
				size_t offset, void *buf, size_t count)
{
	unsigned long port = region->start + offset;

	if (region->map == IO_DEMO_MAP_NONE && width == 1)
		insb(port, buf, count);
	else if (region->map == IO_DEMO_MAP_NONE && width == 2)
		insw(port, buf, count);
	else if (region->map == IO_DEMO_MAP_NONE)
		insl(port, buf, count);
	else if (width == 1)
		ioread8_rep(region->io + offset, buf, count);
	else if (width == 2)
		ioread16_rep(region->io + offset, buf, count);
	else
		ioread32_rep(region->io + offset, buf, count);
}

static void io_demo_write_string(const struct io_demo_region *region, u32 width,
				 size_t offset, const void *buf, size_t count)
{
	unsigned long port = region->start + offset;

	if (region->map == IO_DEMO_MAP_NONE && width == 1)
		outsb(port, buf, count);
	else if (region->map == IO_DEMO_MAP_NONE && width == 2)
		outsw(port, buf, count);
	else if (region->map == IO_DEMO_MAP_NONE)
		outsl(port, buf, count);
	else if (width == 1)
		iowrite8_rep(region->io + offset, buf, count);
	else if (width == 2)
		iowrite16_rep(region->io + offset, buf, count);
	else
		iowrite32_rep(region->io + offset, buf, count);
}

/* Moves @count values between the region and @buf. */
static void io_demo_move(const struct io_demo_region *region,
			 const struct io_demo_transfer *transfer, size_t offset,
			 void *buf, size_t count)
{
	if (transfer->form == IO_DEMO_STRING) {
		if (transfer->op == IO_DEMO_READ)
			io_demo_read_string(region, transfer->width, offset,
					    buf, count);
		else
			io_demo_write_string(region, transfer->width, offset,
					     buf, count);
	} else {
		if (transfer->op == IO_DEMO_READ)
			memcpy_fromio(buf, region->io + offset, count);
		else
			memcpy_toio(region->io + offset, buf, count);
	}
}

static int io_demo_check_transfer(const struct io_demo_transfer *transfer)
{
	if (!io_demo_is_op(transfer->op) || !transfer->count ||
	    transfer->count > IO_DEMO_MAX_TRANSFER)
		return -EINVAL;

	switch (transfer->form) {
	case IO_DEMO_STRING:
		if (transfer->width != 1 && transfer->width != 2 &&
		    transfer->width != 4)
			return -EINVAL;
		break;
	case IO_DEMO_BLOCK:
		if (transfer->width != 1)
			return -EINVAL;
		break;
	default:
		return -EINVAL;
	}

	return transfer->count > IO_DEMO_MAX_TRANSFER / transfer->width ?
	       -EINVAL : 0;
}

/* Can this region be accessed so? */
static bool io_demo_transfer_fits(const struct io_demo_region *region,
				  const struct io_demo_transfer *transfer)
{
	if (transfer->form == IO_DEMO_STRING)
		return region->map != IO_DEMO_MAP_CACHED &&
		       io_demo_fits(region, transfer->offset, transfer->width,
				    transfer->width);

	return (BIT(region->map) & IO_DEMO_IN_IO) &&
	       io_demo_fits(region, transfer->offset, transfer->count, 1);
}

/*
 * Goes through a page of our own: what reads a device must not fault in between.
 * Values that were read and cannot be stored would be lost, so the user's memory
 * is written once before.
 */
static int io_demo_do_transfer(const struct io_demo_region *region,
			       struct io_demo_transfer *transfer, void *page)
{
	void __user *user = u64_to_user_ptr(transfer->buffer);
	size_t offset = transfer->offset, bytes;
	u32 n;

	while (transfer->done < transfer->count) {
		if (fatal_signal_pending(current))
			return -EINTR;
		n = min_t(u32, transfer->count - transfer->done,
			  PAGE_SIZE / transfer->width);
		bytes = (size_t)n * transfer->width;

		if (transfer->op == IO_DEMO_READ ?
		    copy_to_user(user, page, bytes) :
		    copy_from_user(page, user, bytes))
			return -EFAULT;
		io_demo_move(region, transfer, offset, page, n);
		if (transfer->op == IO_DEMO_READ &&
		    copy_to_user(user, page, bytes))
			return -EFAULT;

		transfer->done += n;
		user += bytes;
		if (transfer->form == IO_DEMO_BLOCK)
			offset += bytes;
		cond_resched();
	}

	return 0;
}

long io_demo_transfer(void *state, void __user *arg)
{
	struct io_demo_file *file = state;
	struct io_demo_transfer transfer;
	struct io_demo_region *region;
	void *page;
	int ret;

	ret = io_demo_enter(&transfer, arg, sizeof(transfer));
	if (!ret)
		ret = io_demo_check_transfer(&transfer);
	if (ret)
		return ret;
	transfer.done = 0;

	page = kzalloc(PAGE_SIZE, GFP_KERNEL_ACCOUNT);
	if (!page)
		return -ENOMEM;
	ret = io_demo_lock(&file->lock);
	if (ret)
		goto out_free;

	region = io_demo_find_region(file, transfer.handle);
	if (!region)
		ret = -ENOENT;
	else if (!io_demo_transfer_fits(region, &transfer))
		ret = -EINVAL;
	else
		ret = io_demo_do_transfer(region, &transfer, page);
	mutex_unlock(&file->lock);

	/* The first error is the one that counts. */
	if (io_demo_leave(arg, &transfer, sizeof(transfer)) && !ret)
		ret = -EFAULT;
out_free:
	kfree(page);
	return ret;
}
