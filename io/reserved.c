// SPDX-License-Identifier: GPL-2.0
/*
 * io_demo - memory that was reserved at boot
 *
 * A range that the kernel was told to leave alone (memmap=, mem=) is taken by a
 * module parameter, and given to programs through a descriptor of its own.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/io.h>
#include <linux/ioport.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/sizes.h>
#include <linux/uaccess.h>

#include "io/lab.h"
#include "io_demo.h"
#include "compat.h"

#define IO_DEMO_MAX_FILE_IO	SZ_1M	/* bytes in one read or write */

static char *io_demo_reserved_range;
module_param_hw_named(reserved, io_demo_reserved_range, charp, iomem, 0400);
MODULE_PARM_DESC(reserved, "memory that was reserved at boot, SIZE@START, as in 8M@0x1f000000");

/* Set once, at module init. */
static resource_size_t io_demo_reserved_start;
static size_t io_demo_reserved_size;
static void *io_demo_reserved_mem;

/* Says why the range is refused: an errno alone has many reasons at a load. */
static int __init io_demo_reserved_refuse(int error, const char *reason)
{
	pr_err("reserved=%s: %s\n", io_demo_reserved_range, reason);

	return error;
}

static int __init io_demo_parse_range(char *text)
{
	static const char form[] __initconst =
		"not of the form SIZE@START, as in 8M@0x1f000000";
	char *end;

	io_demo_reserved_size = memparse(text, &end);
	if (end == text || *end != '@')
		return io_demo_reserved_refuse(-EINVAL, form);
	text = end + 1;
	io_demo_reserved_start = memparse(text, &end);
	if (end == text || *end)
		return io_demo_reserved_refuse(-EINVAL, form);
	if (!PAGE_ALIGNED(io_demo_reserved_start) ||
	    !PAGE_ALIGNED(io_demo_reserved_size) || !io_demo_reserved_size)
		return io_demo_reserved_refuse(-EINVAL, "not whole pages");
	if (io_demo_reserved_start > iomem_resource.end ||
	    io_demo_reserved_size - 1 > iomem_resource.end - io_demo_reserved_start)
		return io_demo_reserved_refuse(-EINVAL,
					       "beyond the last address of this machine");

	return 0;
}

/*
 * May the range stay where request_mem_region() has put it? In what memmap= has made
 * "Reserved", or, where mem= has cut it off, in nothing; but in nothing that is a
 * device's: see io_demo_may_nest().
 */
static bool __init io_demo_may_reserve(const struct resource *parent)
{
	return parent == &iomem_resource || parent->desc == IORES_DESC_RESERVED;
}

static int __init io_demo_reserved_request(void)
{
	struct resource *granted = NULL;

	pci_lock_rescan_remove();
	if (!io_demo_of_pci_device(io_demo_reserved_start, io_demo_reserved_size,
				   IORESOURCE_MEM))
		granted = request_mem_region(io_demo_reserved_start,
					     io_demo_reserved_size, IO_DEMO_NAME);
	if (granted && !io_demo_may_reserve(granted->parent)) {
		release_mem_region(io_demo_reserved_start, io_demo_reserved_size);
		granted = NULL;
	}
	pci_unlock_rescan_remove();

	return granted ? 0 : io_demo_reserved_refuse(-EBUSY,
			"a driver or a device has a part of it, see /proc/iomem");
}

/* Takes the memory that the parameter names, if it does and if we may. */
int __init io_demo_reserved_init(void)
{
	u64 start, size;
	int ret;

	if (!io_demo_reserved_range)
		return 0;
	ret = io_demo_parse_range(io_demo_reserved_range);
	if (ret)
		return ret;
	start = io_demo_reserved_start;
	size = io_demo_reserved_size;

	/* What the kernel manages as RAM is not ours, whatever we are told. */
	if (io_demo_touches(start, size, IORESOURCE_SYSTEM_RAM, IORES_DESC_NONE))
		return io_demo_reserved_refuse(-EPERM,
				"the kernel has a part of it as RAM: boot with memmap= or mem=");
	if (io_demo_is_of_firmware(start, size))
		return io_demo_reserved_refuse(-EPERM,
				"the firmware has a part of it, see /sys/firmware/memmap");
	ret = io_demo_reserved_request();
	if (ret)
		return ret;
	/* Asked last: of what a driver has, that is the reason to give. */
	if (!io_demo_is_given_away(start, size)) {
		release_mem_region(start, size);
		return io_demo_reserved_refuse(-EPERM,
				"not all of it is RAM in /sys/firmware/memmap");
	}
	io_demo_reserved_mem = memremap(start, size, MEMREMAP_WB);
	if (!io_demo_reserved_mem) {
		release_mem_region(start, size);
		return io_demo_reserved_refuse(-ENOMEM, "it cannot be mapped");
	}

	return 0;
}

void io_demo_reserved_exit(void)
{
	if (!io_demo_reserved_mem)
		return;
	memunmap(io_demo_reserved_mem);
	release_mem_region(io_demo_reserved_start, io_demo_reserved_size);
}

/*
 * The descriptor can be handed over, and kept for long. The right to use it cannot:
 * each call below asks for it. At most so much is copied at a time that the
 * processor is not taken for long.
 */
static ssize_t io_demo_reserved_read(struct file *file, char __user *buf,
				     size_t count, loff_t *pos)
{
	int ret = io_demo_allowed();

	if (ret)
		return ret;

	return simple_read_from_buffer(buf, min_t(size_t, count, IO_DEMO_MAX_FILE_IO),
				       pos, io_demo_reserved_mem,
				       io_demo_reserved_size);
}

static ssize_t io_demo_reserved_write(struct file *file, const char __user *buf,
				      size_t count, loff_t *pos)
{
	int ret = io_demo_allowed();

	if (ret)
		return ret;
	if (count && *pos >= io_demo_reserved_size)
		return -ENOSPC;

	return simple_write_to_buffer(io_demo_reserved_mem, io_demo_reserved_size,
				      pos, buf,
				      min_t(size_t, count, IO_DEMO_MAX_FILE_IO));
}

static loff_t io_demo_reserved_llseek(struct file *file, loff_t offset,
				      int whence)
{
	return fixed_size_llseek(file, offset, whence, io_demo_reserved_size);
}

/*
 * The page tables get an address when it is touched, as there is no struct page for
 * it. vm_iomap_memory() would give them all at once, but until v6.16 x86 notes for the
 * whole of such a mapping how it is cached: it complains when a part is unmapped, or
 * when there is no memory for the page tables, and what it has noted stays. Here the
 * kernel's own mapping says how the memory is cached, as long as the module is there.
 */
static vm_fault_t io_demo_reserved_fault(struct vm_fault *vmf)
{
	return vmf_insert_pfn(vmf->vma, vmf->address,
			      PHYS_PFN(io_demo_reserved_start) + vmf->pgoff);
}

static const struct vm_operations_struct io_demo_reserved_vm_ops = {
	.fault = io_demo_reserved_fault,
};

/*
 * The mapping keeps the file, and the file this module. It also keeps what it was
 * made for: no call reaches the memory through it, so there is none at which to ask
 * again. It is as with /dev/mem.
 */
static int io_demo_reserved_mmap(struct file *file, struct vm_area_struct *vma)
{
	unsigned long pages = io_demo_reserved_size >> PAGE_SHIFT;
	int ret = io_demo_allowed();

	if (ret)
		return ret;
	/* It is for data. What runs there, nobody could have looked at before. */
	if (vma->vm_flags & VM_EXEC)
		return -EPERM;
	if (!(vma->vm_flags & VM_SHARED) || vma->vm_pgoff >= pages ||
	    vma_pages(vma) > pages - vma->vm_pgoff)
		return -EINVAL;

	vm_flags_set(vma, VM_IO | VM_PFNMAP | VM_DONTEXPAND | VM_DONTDUMP);
	vm_flags_clear(vma, VM_MAYEXEC);
	vma->vm_ops = &io_demo_reserved_vm_ops;

	return 0;
}

static const struct file_operations io_demo_reserved_fops = {
	.owner = THIS_MODULE,
	.read = io_demo_reserved_read,
	.write = io_demo_reserved_write,
	.llseek = io_demo_reserved_llseek,
	.mmap = io_demo_reserved_mmap,
};

long io_demo_reserved(void *state, void __user *arg)
{
	struct io_demo_reserved reserved;
	struct file *file;
	int ret, fd;

	ret = io_demo_enter(&reserved, arg, sizeof(reserved));
	if (ret)
		return ret;
	if (reserved.flags & ~IO_DEMO_CLOEXEC || reserved.reserved)
		return -EINVAL;
	if (!io_demo_reserved_mem)
		return -ENODEV;

	fd = get_unused_fd_flags(reserved.flags & IO_DEMO_CLOEXEC ? O_CLOEXEC : 0);
	if (fd < 0)
		return fd;
	file = anon_inode_getfile("[io_demo]", &io_demo_reserved_fops,
				  NULL, O_RDWR);
	if (IS_ERR(file)) {
		ret = PTR_ERR(file);
		goto err_put_fd;
	}
	file->f_mode |= FMODE_LSEEK | FMODE_PREAD | FMODE_PWRITE;

	reserved.size = io_demo_reserved_size;
	reserved.start = 0;
	if (io_demo_sees_addresses()) {
		reserved.flags |= IO_DEMO_RESERVED_RAW;
		reserved.start = io_demo_reserved_start;
	}
	ret = io_demo_leave(arg, &reserved, sizeof(reserved));
	if (ret)
		goto err_put_file;
	fd_install(fd, file);

	return fd;

err_put_file:
	fput(file);
err_put_fd:
	put_unused_fd(fd);
	return ret;
}
