// SPDX-License-Identifier: GPL-2.0
/*
 * vser - the character device /dev/vser, the first face of a line
 *
 * Open, read, write, and loading and unloading; poll() is in line/poll.c, the ioctls
 * are in line/ioctl.c. What is behind it, the line and its engine, is in line/ too;
 * line/line.h is the map of it. This file touches an open file (&struct vser_file)
 * and what the program does with it; of the line, it uses the functions that
 * line/line.h names.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cdev.h>
#include <linux/delay.h>
#include <linux/device.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/splice.h>

#include "compat.h"
#include "line/cdev.h"

/* A descriptor that can neither read nor write: open(2), access mode 3. */
static bool vser_control_only(struct file *file)
{
	return !(file->f_mode & (FMODE_READ | FMODE_WRITE));
}

static int vser_open(struct inode *inode, struct file *file)
{
	struct vser_line *line = vser_lines[iminor(inode)];
	struct vser_file *vfile;
	int ret;

	vfile = kzalloc(sizeof(*vfile), GFP_KERNEL_ACCOUNT);
	if (!vfile)
		return -ENOMEM;
	vfile->line = line;
	vfile->cdev = vser_cdev_of(line->face);
	vfile->file = file;
	vfile->watch = vser_control_only(file) ? VSER_WATCH_ON :
						 VSER_WATCH_UNSET;
	init_waitqueue_head(&vfile->wait);
	init_waitqueue_func_entry(&vfile->entry, vser_file_wake);
	mutex_init(&vfile->lab_lock);

	mutex_lock(&line->open_lock);
	ret = vser_cdev_alloc_events(vfile->cdev);
	if (!ret && !vser_control_only(file))
		ret = vser_line_open(line, file->f_mode);
	vfile->next_event = READ_ONCE(vfile->cdev->event_seq);
	mutex_unlock(&line->open_lock);
	if (ret) {
		kfree(vfile);
		return ret;
	}

	file->private_data = vfile;
	stream_open(inode, file);
	file->f_mode |= FMODE_NOWAIT;

	return 0;
}

static int vser_release(struct inode *inode, struct file *file)
{
	struct vser_file *vfile = file->private_data;
	struct vser_line *line = vfile->line;

	vser_file_unfollow(vfile);
	vser_rings_close(line, vfile->rings);
	vser_tx_end_break(line, vfile, 0);
	if (!vser_control_only(file)) {
		mutex_lock(&line->open_lock);
		vser_line_close(line, file->f_mode);
		mutex_unlock(&line->open_lock);
	}
	vser_labs_close(vfile);
	vser_rings_free(vfile->rings);
	kfree(vfile);

	return 0;
}

/* Reading and writing */

/* fcntl() may change the flags of the file at any time. */
bool vser_file_nonblocking(struct file *file)
{
	return READ_ONCE(file->f_flags) & O_NONBLOCK;
}

static bool vser_nonblocking(struct kiocb *iocb)
{
	return (iocb->ki_flags & IOCB_NOWAIT) ||
	       vser_file_nonblocking(iocb->ki_filp);
}

/* Takes the program's side of a queue; a lock is held for one copy in memory. */
static int vser_queue_lock(struct vser_queue *queue, struct kiocb *iocb)
{
	if (iocb->ki_flags & IOCB_NOWAIT)
		return mutex_trylock(&queue->lock) ? 0 : -EAGAIN;

	return mutex_lock_interruptible(&queue->lock) ? -ERESTARTSYS : 0;
}

static ssize_t vser_read_iter(struct kiocb *iocb, struct iov_iter *to)
{
	struct vser_file *vfile = iocb->ki_filp->private_data;
	struct vser_queue *rx = &vfile->cdev->rx;
	struct vser_line *line = vfile->line;
	bool late = false;
	size_t done = 0, n;
	int ret = 0;

	if (!iov_iter_count(to))
		return 0;

	/* More than once if another reader was faster, or if memory was late. */
	do {
		if (late) {
			ret = vser_iter_fault_in(to, vser_queue_size(rx), true);
		} else if (vser_queue_empty(rx)) {
			if (vser_nonblocking(iocb))
				return -EAGAIN;
			ret = vser_wait(vfile->cdev, VSER_KEY_RX,
					!vser_queue_empty(rx));
		}
		if (!ret)
			ret = vser_queue_lock(rx, iocb);
		if (ret)
			break;
		n = vser_queue_to_iter(rx, to, &late);
		vser_count(&line->rx_delivered, n);
		vser_rx_taken(line, n);
		mutex_unlock(&rx->lock);
		if (n)
			vser_rx_made_room(line);
		done += n;
	} while ((late || !done) && vser_may_go_on());

	return done ?: ret ?: -EINTR;
}

/*
 * Queues what there is room for. Returns how many bytes, 0 if there is no room or
 * if @late. Caller: tx.lock.
 */
static size_t vser_tx_write(struct vser_line *line, struct iov_iter *from,
			    bool *late)
{
	size_t n = vser_queue_from_iter(&line->tx, from, late);

	if (n)
		vser_tx_wrote(line, n);

	return n;
}

/*
 * Waits for room in tx, or if @late, for the caller's memory. Apart from the write,
 * which mostly need not wait, and then does not pay for what this has on the stack.
 */
static noinline int vser_tx_wait(struct vser_file *vfile, struct kiocb *iocb,
				 struct iov_iter *from, bool late)
{
	struct vser_line *line = vfile->line;

	if (late)
		return vser_iter_fault_in(from, vser_queue_size(&line->tx), false);
	if (vser_nonblocking(iocb))
		return vser_tx_starve(vfile) ? -EAGAIN : 0;

	return vser_wait(vfile->cdev, VSER_KEY_TX, !vser_queue_full(&line->tx));
}

static ssize_t vser_write_iter(struct kiocb *iocb, struct iov_iter *from)
{
	struct vser_file *vfile = iocb->ki_filp->private_data;
	struct vser_line *line = vfile->line;
	bool late = false;
	size_t done = 0, n;
	int ret;

	while (iov_iter_count(from)) {
		ret = vser_queue_lock(&line->tx, iocb);
		if (ret)
			return done ?: ret;
		n = vser_tx_write(line, from, &late);
		mutex_unlock(&line->tx.lock);
		done += n;
		if (!iov_iter_count(from))
			break;
		if (!vser_may_go_on())
			return done ?: -EINTR;
		ret = !n || late ? vser_tx_wait(vfile, iocb, from, late) : 0;
		if (ret)
			return done ?: ret;
	}

	return done;
}

/* Waits until everything written has been sent. */
static int vser_tx_drain(struct vser_file *vfile)
{
	return vser_wait(vfile->cdev, VSER_KEY_SENT, vser_tx_empty(vfile->line));
}

/* Waits until everything has been sent that was written, or is in the ring. */
int vser_file_drain(struct vser_file *vfile)
{
	struct vser_rings *rings = vser_file_rings(vfile);
	struct vser_line *line = vfile->line;
	int left = 0, ret;

	do {
		if (rings)
			left = vser_ring_sync_tx(line, rings);
		if (left < 0)
			return left;
		ret = vser_tx_drain(vfile);
		/* The process may fill it as fast as it is emptied. */
		if (!ret && left && signal_pending(current))
			ret = -ERESTARTSYS;
	} while (!ret && left);

	return ret;
}

static int vser_fsync(struct file *file, loff_t start, loff_t end, int datasync)
{
	return vser_file_drain(file->private_data);
}

static int vser_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct vser_rings *rings = vser_file_rings(file->private_data);

	return rings ? vser_rings_map(rings, vma) : -ENODEV;
}

const struct file_operations vser_fops = {
	.owner		= THIS_MODULE,
	.open		= vser_open,
	.release	= vser_release,
	.read_iter	= vser_read_iter,
	.write_iter	= vser_write_iter,
	.splice_read	= copy_splice_read,
	.splice_write	= iter_file_splice_write,
	.fsync		= vser_fsync,
	.mmap		= vser_mmap,
	.poll		= vser_poll,
	.fasync		= vser_fasync,
	.unlocked_ioctl	= vser_ioctl,
	.compat_ioctl	= compat_ptr_ioctl,
};

/* The nodes, and loading */

static dev_t vser_devt;
static struct class *vser_class;

/*
 * The operations of all nodes, and a kobject that it refers to, by which the exit
 * sees when the kernel has forgotten it. Both are released by the kernel alone.
 */
static struct cdev *vser_cdev;
static struct cdev *vser_cdev_parent;

static char *vser_devnode(vser_devnode_device *dev, umode_t *mode)
{
	if (mode)
		*mode = 0660;

	return NULL;
}

/* Waits until nobody uses an attribute of the first @n lines, and removes them. */
static void vser_devices_destroy(unsigned int n)
{
	while (n--)
		device_destroy(vser_class, vser_devt + n);
}

/* All lines are there: an attribute of one of them can reach the others. */
static int __init vser_devices_create(unsigned int n)
{
	struct device *dev;
	unsigned int i;

	for (i = 0; i < n; i++) {
		dev = device_create_with_groups(vser_class, NULL, vser_devt + i,
						vser_lines[i], vser_groups,
						"%s", vser_lines[i]->name);
		if (IS_ERR(dev)) {
			vser_devices_destroy(i);
			return PTR_ERR(dev);
		}
	}

	return 0;
}

/* The lines have no device; and if there was no memory, some have no face yet. */
static void vser_lines_remove(void)
{
	vser_lines_stop(vser_nr_lines);
	vser_cdevs_destroy(vser_nr_lines);
	vser_lines_destroy(vser_nr_lines);
}

static int __init vser_class_create(void)
{
	vser_class = class_create(VSER_NAME);
	if (IS_ERR(vser_class))
		return PTR_ERR(vser_class);
	vser_class->devnode = vser_devnode;

	return 0;
}

static int __init vser_cdev_alloc(void)
{
	vser_cdev = cdev_alloc();
	if (!vser_cdev)
		return -ENOMEM;
	vser_cdev_parent = cdev_alloc();
	if (!vser_cdev_parent) {
		kobject_put(&vser_cdev->kobj);
		return -ENOMEM;
	}

	vser_cdev->ops = &vser_fops;
	vser_cdev->owner = THIS_MODULE;

	return 0;
}

/* For a cdev that was not added. */
static void vser_cdev_free(void)
{
	kobject_put(&vser_cdev->kobj);
	kobject_put(&vser_cdev_parent->kobj);
}

/* From here on lines may be open. */
static int __init vser_cdev_add(void)
{
	int ret;

	cdev_set_parent(vser_cdev, &vser_cdev_parent->kobj);
	ret = cdev_add(vser_cdev, vser_devt, vser_nr_lines);
	/* One that was not added holds no reference to its parent. */
	if (ret)
		vser_cdev->kobj.parent = NULL;

	return ret;
}

/*
 * A node that somebody keeps remembers the cdev, and with it this module, until the
 * cdev is released. The kernel does that at once, but with DEBUG_KOBJECT_RELEASE
 * seconds later. The cdev then lets go of its parent.
 */
static void vser_cdev_del(void)
{
	cdev_del(vser_cdev);
	while (kref_read(&vser_cdev_parent->kobj.kref) > 1)
		msleep(20);
	kobject_put(&vser_cdev_parent->kobj);
}

static int __init vser_init(void)
{
	int ret;

	if (!vser_nr_lines || vser_nr_lines > VSER_MAX_LINES) {
		pr_err("lines=%u: must be 1 to %u\n", vser_nr_lines,
		       VSER_MAX_LINES);
		return -EINVAL;
	}

	vser_user_buffers = vser_user_buffers ?: vser_max_buffers / 2;
	vser_lines = kcalloc(vser_nr_lines, sizeof(*vser_lines), GFP_KERNEL);
	if (!vser_lines)
		return -ENOMEM;

	ret = alloc_chrdev_region(&vser_devt, 0, vser_nr_lines, VSER_NAME);
	if (ret)
		goto err_free_lines;

	ret = vser_cdev_alloc();
	if (ret)
		goto err_unregister_region;

	ret = vser_class_create();
	if (ret)
		goto err_free_cdev;

	ret = vser_lines_create(vser_nr_lines);
	if (ret)
		goto err_destroy_class;

	ret = vser_cdevs_create(vser_nr_lines);
	if (ret)
		goto err_remove_lines;

	ret = vser_devices_create(vser_nr_lines);
	if (ret)
		goto err_remove_lines;

	/* Last: nothing may fail after it. */
	ret = vser_cdev_add();
	if (ret)
		goto err_destroy_devices;

	return 0;

err_destroy_devices:
	vser_devices_destroy(vser_nr_lines);
err_remove_lines:
	vser_lines_remove();
err_destroy_class:
	class_destroy(vser_class);
err_free_cdev:
	vser_cdev_free();
err_unregister_region:
	unregister_chrdev_region(vser_devt, vser_nr_lines);
err_free_lines:
	kfree(vser_lines);
	return ret;
}

static void __exit vser_exit(void)
{
	vser_cdev_del();
	vser_devices_destroy(vser_nr_lines);
	vser_lines_remove();
	class_destroy(vser_class);
	unregister_chrdev_region(vser_devt, vser_nr_lines);
	kfree(vser_lines);
}

module_init(vser_init);
module_exit(vser_exit);

MODULE_AUTHOR("The vser maintainers");
MODULE_DESCRIPTION("A virtual serial line");
MODULE_LICENSE("GPL");
