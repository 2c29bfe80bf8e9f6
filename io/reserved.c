// SPDX-License-Identifier: GPL-2.0
/*
 * io_demo - memory that was reserved at boot
 *
 * A range that the kernel was told to leave alone (memmap=, mem=) is taken by a
 * module parameter, and given to programs through a descriptor of its own.
 */
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
#include "vser_compat.h"

#define IO_DEMO_MAX_FILE_IO	SZ_1M	/* bytes in one read or write */

static char *io_demo_reserved_range;
module_param_hw_named(reserved, io_demo_reserved_range, charp, iomem, 0400);
MODULE_PARM_DESC(reserved, "memory that was reserved at boot, SIZE@START, as in 8M@0x1f000000");

/* Set once, at module init. */
static resource_size_t io_demo_reserved_start;
static size_t io_demo_reserved_size;
static void *io_demo_reserved_mem;

static int __init io_demo_parse_range(char *text)
{
	char *end;

	io_demo_reserved_size = memparse(text, &end);
	if (end == text || *end != '@')
		return -EINVAL;
	text = end + 1;
	io_demo_reserved_start = memparse(text, &end);
	if (end == text || *end)
		return -EINVAL;
	if (!PAGE_ALIGNED(io_demo_reserved_start) ||
	    !PAGE_ALIGNED(io_demo_reserved_size) || !io_demo_reserved_size ||
	    io_demo_reserved_start > iomem_resource.end ||
	    io_demo_reserved_size - 1 > iomem_resource.end - io_demo_reserved_start)
		return -EINVAL;

	return 0;
}

static int __init io_demo_reserved_request(void)
{
	int ret = -EBUSY;

	pci_lock_rescan_remove();
	if (!io_demo_of_pci_device(io_demo_reserved_start, io_demo_reserved_size,
				   IORESOURCE_MEM) &&
	    request_mem_region(io_demo_reserved_start, io_demo_reserved_size,
			       IO_DEMO_NAME))
		ret = 0;
	pci_unlock_rescan_remove();

	return ret;
}

/* Takes the memory that the parameter names, if it does and if we may. */
int __init io_demo_reserved_init(void)
{
	int ret;

	if (!io_demo_reserved_range)
		return 0;
	ret = io_demo_parse_range(io_demo_reserved_range);
	if (ret)
		return ret;

	/* What the kernel manages as RAM is not ours, whatever we are told. */
	if (io_demo_touches(io_demo_reserved_start, io_demo_reserved_size,
			    IORESOURCE_SYSTEM_RAM, IORES_DESC_NONE))
		return -EPERM;
	ret = io_demo_reserved_request();
	if (ret)
		return ret;
	io_demo_reserved_mem = memremap(io_demo_reserved_start,
					io_demo_reserved_size, MEMREMAP_WB);
	if (!io_demo_reserved_mem) {
		release_mem_region(io_demo_reserved_start, io_demo_reserved_size);
		return -ENOMEM;
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

/* At most so much at a time that the processor is not taken for long. */
static ssize_t io_demo_reserved_read(struct file *file, char __user *buf,
				     size_t count, loff_t *pos)
{
	return simple_read_from_buffer(buf, min_t(size_t, count, IO_DEMO_MAX_FILE_IO),
				       pos, io_demo_reserved_mem,
				       io_demo_reserved_size);
}

static ssize_t io_demo_reserved_write(struct file *file, const char __user *buf,
				      size_t count, loff_t *pos)
{
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

/* The mapping keeps the file, and the file this module. */
static int io_demo_reserved_mmap(struct file *file, struct vm_area_struct *vma)
{
	unsigned long pages = io_demo_reserved_size >> PAGE_SHIFT;

	if (!(vma->vm_flags & VM_SHARED) || vma->vm_pgoff >= pages ||
	    vma_pages(vma) > pages - vma->vm_pgoff)
		return -EINVAL;

	vm_flags_set(vma, VM_IO | VM_PFNMAP | VM_DONTEXPAND | VM_DONTDUMP);
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
