// SPDX-License-Identifier: GPL-2.0
/*
 * mem_demo - map an object into user space, by a descriptor of its own
 */
#include <linux/anon_inodes.h>
#include <linux/capability.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>

#include "lab.h"

/**
 * struct mem_demo_mapping - what a descriptor of MEM_MAP has
 * @object: holds a reference on it
 * @method: MEM_MAP_*
 * @pages:  how many can be mapped
 * @areas:  VMAs that there are. This and the next come from the callbacks of
 *          VMAs, of any process, hence atomic.
 * @opens:  VMAs that were made
 * @closes: VMAs that went
 * @faults: pages that were brought in
 */
struct mem_demo_mapping {
	struct mem_demo_object *object;
	u32 method;
	unsigned long pages;
	atomic_t areas;
	atomic64_t opens;
	atomic64_t closes;
	atomic64_t faults;
};

/* What a descriptor is charged: the above, and the kernel's struct file. */
#define MEM_DEMO_MAPPING	(sizeof(struct mem_demo_mapping) + 512)

static struct page *mem_demo_mapping_page(struct mem_demo_mapping *mapping,
					  unsigned long n)
{
	return mem_demo_page(&mapping->object->want, &mapping->object->piece, 0,
			     n << PAGE_SHIFT);
}

/* For fork(), and for the second part when one is split. */
static void mem_demo_vma_open(struct vm_area_struct *vma)
{
	struct mem_demo_mapping *mapping = vma->vm_file->private_data;

	atomic_inc(&mapping->areas);
	atomic64_inc(&mapping->opens);
}

static void mem_demo_vma_close(struct vm_area_struct *vma)
{
	struct mem_demo_mapping *mapping = vma->vm_file->private_data;

	atomic_dec(&mapping->areas);
	atomic64_inc(&mapping->closes);
}

static vm_fault_t mem_demo_vma_fault(struct vm_fault *vmf)
{
	struct mem_demo_mapping *mapping = vmf->vma->vm_file->private_data;

	if (mapping->method != MEM_MAP_FAULT || vmf->pgoff >= mapping->pages)
		return VM_FAULT_SIGBUS;

	vmf->page = mem_demo_mapping_page(mapping, vmf->pgoff);
	get_page(vmf->page);
	atomic64_inc(&mapping->faults);

	return 0;
}

static const struct vm_operations_struct mem_demo_vm_ops = {
	.open = mem_demo_vma_open,
	.close = mem_demo_vma_close,
	.fault = mem_demo_vma_fault,
};

static int mem_demo_map_page(struct mem_demo_mapping *mapping,
			     struct vm_area_struct *vma, unsigned long n)
{
	struct page *page = mem_demo_mapping_page(mapping, vma->vm_pgoff + n);
	unsigned long addr = vma->vm_start + (n << PAGE_SHIFT);

	if (mapping->method == MEM_MAP_INSERT_PAGE)
		return vm_insert_page(vma, addr, page);

	return remap_pfn_range(vma, addr, page_to_pfn(page), PAGE_SIZE,
			       vma->vm_page_prot);
}

static int mem_demo_mapping_mmap(struct file *opened, struct vm_area_struct *vma)
{
	struct mem_demo_mapping *mapping = opened->private_data;
	unsigned long n, pages = vma_pages(vma);
	int ret;

	/* It is for data. What runs there, nobody could have looked at before. */
	if (vma->vm_flags & VM_EXEC)
		return -EPERM;
	if (!(vma->vm_flags & VM_SHARED) || vma->vm_pgoff >= mapping->pages ||
	    pages > mapping->pages - vma->vm_pgoff)
		return -EINVAL;

	vm_flags_set(vma, VM_DONTEXPAND | VM_DONTDUMP);
	vm_flags_clear(vma, VM_MAYEXEC);
	for (n = 0; mapping->method != MEM_MAP_FAULT && n < pages; n++) {
		ret = mem_demo_map_page(mapping, vma, n);
		if (ret)
			return ret;
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}

	vma->vm_ops = &mem_demo_vm_ops;
	mem_demo_vma_open(vma);

	return 0;
}

static long mem_demo_mapping_ioctl(struct file *opened, unsigned int cmd,
				   unsigned long arg)
{
	struct mem_demo_mapping *mapping = opened->private_data;
	struct mem_mapping answer = {
		.method = mapping->method,
		.areas = atomic_read(&mapping->areas),
		.opens = atomic64_read(&mapping->opens),
		.closes = atomic64_read(&mapping->closes),
		.faults = atomic64_read(&mapping->faults),
		.length = (u64)mapping->pages << PAGE_SHIFT,
	};

	if (cmd != MEM_GET_MAPPING)
		return -ENOTTY;
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;

	return copy_to_user((void __user *)arg, &answer, sizeof(answer)) ?
	       -EFAULT : 0;
}

static int mem_demo_mapping_release(struct inode *inode, struct file *opened)
{
	struct mem_demo_mapping *mapping = opened->private_data;

	atomic_dec(&mapping->object->maps);
	mem_demo_uncharge(mapping->object->file, MEM_DEMO_MAPPING);
	mem_demo_put(mapping->object);
	kfree(mapping);

	return 0;
}

static const struct file_operations mem_demo_mapping_fops = {
	.owner = THIS_MODULE,
	.mmap = mem_demo_mapping_mmap,
	.unlocked_ioctl = mem_demo_mapping_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.release = mem_demo_mapping_release,
	.llseek = noop_llseek,
};

/*
 * Only whole pages that were asked for zeroed: what init_on_alloc has zeroed is
 * not on every kernel. The pages of a block that is not compound have one count
 * for all; user mappings need one for each.
 */
static int mem_demo_make_mappable(struct mem_demo_file *file,
				  struct mem_demo_object *object)
{
	const struct mem_demo_want *want = &object->want;
	int ret;

	if (!(want->row->caps & MEM_CAP_MAP) ||
	    !((want->row->caps & MEM_CAP_ZEROED) || (object->gfp & MEM_GFP_ZERO)))
		return -EINVAL;
	if (!want->row->block || (want->gfp & __GFP_COMP) || !want->order)
		return 0;

	ret = mutex_lock_killable(&file->lock);
	if (ret)
		return ret;
	if (!object->split) {
		split_page(mem_demo_page(want, &object->piece, 0, 0), want->order);
		object->split = true;
	}
	mutex_unlock(&file->lock);

	return 0;
}

/* Has the descriptor, not yet installed; takes over the object's reference. */
static struct file *mem_demo_mapping_open(struct mem_demo_object *object,
					  u32 method)
{
	struct mem_demo_mapping *mapping;
	struct file *opened;
	int ret;

	ret = mem_demo_charge(object->file, MEM_DEMO_MAPPING);
	if (ret)
		return ERR_PTR(ret);
	mapping = kzalloc(sizeof(*mapping), MEM_DEMO_GFP);
	if (!mapping) {
		mem_demo_uncharge(object->file, MEM_DEMO_MAPPING);
		return ERR_PTR(-ENOMEM);
	}
	WRITE_ONCE(object->exposed, true);
	mapping->object = object;
	mapping->method = method;
	mapping->pages = object->want.row->round(object->want.row,
						 object->want.size) >>
			 PAGE_SHIFT;
	opened = anon_inode_getfile("[" MEM_DEMO_NAME "]", &mem_demo_mapping_fops,
				    mapping, O_RDWR);
	if (IS_ERR(opened)) {
		kfree(mapping);
		mem_demo_uncharge(object->file, MEM_DEMO_MAPPING);
	} else {
		atomic_inc(&object->maps);
	}

	return opened;
}

static long mem_demo_map_object(struct mem_demo_object *object,
				struct mem_map *arg, void __user *to)
{
	struct mem_demo_mapping *mapping;
	struct file *opened;
	int ret;

	ret = get_unused_fd_flags(O_CLOEXEC);
	if (ret < 0)
		return ret;
	arg->fd = ret;

	opened = mem_demo_mapping_open(object, arg->method);
	if (IS_ERR(opened)) {
		ret = PTR_ERR(opened);
		goto err_put_fd;
	}
	mapping = opened->private_data;
	arg->length = (u64)mapping->pages << PAGE_SHIFT;

	/* Nobody can take it back once it is installed. */
	ret = copy_to_user(to, arg, sizeof(*arg)) ? -EFAULT : 0;
	if (ret)
		goto err_put_file;

	fd_install(arg->fd, opened);
	return 0;

err_put_file:
	/* Its release puts the object, which the caller puts if we fail. */
	kref_get(&object->ref);
	fput(opened);
err_put_fd:
	put_unused_fd(arg->fd);
	return ret;
}

long mem_demo_map(struct mem_demo_file *file, struct mem_map *arg,
		  void __user *user)
{
	struct mem_demo_object *object;
	long ret;

	if (arg->method < MEM_MAP_REMAP_PFN || arg->method > MEM_MAP_FAULT ||
	    arg->reserved)
		return -EINVAL;

	object = mem_demo_get(file, arg->handle);
	if (IS_ERR(object))
		return PTR_ERR(object);
	ret = mem_demo_make_mappable(file, object);
	if (!ret)
		ret = mem_demo_map_object(object, arg, user);
	if (ret)
		mem_demo_put(object);

	return ret;
}
