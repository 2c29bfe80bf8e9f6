// SPDX-License-Identifier: GPL-2.0
/*
 * plain_fifo - a null modem that is nothing but two kfifos
 *
 * What is written to /dev/plain_fifo0 is read from /dev/plain_fifo1 and the other way
 * round: a queue of 64 KiB each way, a lock for who writes and one for who reads, two
 * wait queues. No wire, no books, no poll; who finds nothing always waits. The yardstick
 * for what the line's engine costs, with which it shares nothing.
 */
#include <linux/fs.h>
#include <linux/kfifo.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/wait.h>

#define FIFO_SIZE	65536

static struct plain_fifo {
	struct kfifo bytes;
	struct mutex read_lock;		/* who may take bytes out */
	struct mutex write_lock;	/* who may put bytes in */
	wait_queue_head_t filled;
	wait_queue_head_t emptied;
} fifos[2];

static ssize_t fifo_read(struct file *file, char __user *to, size_t count,
			 loff_t *pos)
{
	struct plain_fifo *fifo = file->private_data;
	unsigned int n;
	int ret;

	if (!count)
		return 0;

	do {
		ret = wait_event_interruptible(fifo->filled,
					       !kfifo_is_empty(&fifo->bytes));
		if (ret)
			return ret;
		if (mutex_lock_interruptible(&fifo->read_lock))
			return -ERESTARTSYS;
		ret = kfifo_to_user(&fifo->bytes, to, count, &n);
		mutex_unlock(&fifo->read_lock);
	} while (!ret && !n);
	if (n)
		wake_up_interruptible(&fifo->emptied);

	return ret ?: n;
}

static ssize_t fifo_write(struct file *file, const char __user *from, size_t count,
			  loff_t *pos)
{
	struct plain_fifo *own = file->private_data;
	struct plain_fifo *fifo = &fifos[own == fifos];
	unsigned int n;
	int ret;

	if (!count)
		return 0;

	do {
		ret = wait_event_interruptible(fifo->emptied,
					       !kfifo_is_full(&fifo->bytes));
		if (ret)
			return ret;
		if (mutex_lock_interruptible(&fifo->write_lock))
			return -ERESTARTSYS;
		ret = kfifo_from_user(&fifo->bytes, from, count, &n);
		mutex_unlock(&fifo->write_lock);
	} while (!ret && !n);
	if (n)
		wake_up_interruptible(&fifo->filled);

	return ret ?: n;
}

static int fifo_open(struct inode *inode, struct file *file);

static const struct file_operations fifo_fops = {
	.owner = THIS_MODULE,
	.open = fifo_open,
	.read = fifo_read,
	.write = fifo_write,
};

static struct miscdevice nodes[] = {
	{ .minor = MISC_DYNAMIC_MINOR, .name = "plain_fifo0", .fops = &fifo_fops },
	{ .minor = MISC_DYNAMIC_MINOR, .name = "plain_fifo1", .fops = &fifo_fops },
};

static int fifo_open(struct inode *inode, struct file *file)
{
	file->private_data = &fifos[file->private_data == &nodes[1]];

	return stream_open(inode, file);
}

static void free_fifos(void)
{
	kfifo_free(&fifos[0].bytes);
	kfifo_free(&fifos[1].bytes);
}

static int __init plain_fifo_init(void)
{
	struct plain_fifo *fifo;
	int ret;

	for (fifo = fifos; fifo < fifos + ARRAY_SIZE(fifos); fifo++) {
		mutex_init(&fifo->read_lock);
		mutex_init(&fifo->write_lock);
		init_waitqueue_head(&fifo->filled);
		init_waitqueue_head(&fifo->emptied);
		ret = kfifo_alloc(&fifo->bytes, FIFO_SIZE, GFP_KERNEL);
		if (ret)
			goto free;
	}

	ret = misc_register(&nodes[0]);
	if (ret)
		goto free;
	ret = misc_register(&nodes[1]);
	if (ret)
		goto deregister;

	return 0;

deregister:
	misc_deregister(&nodes[0]);
free:
	free_fifos();

	return ret;
}

static void __exit plain_fifo_exit(void)
{
	misc_deregister(&nodes[1]);
	misc_deregister(&nodes[0]);
	free_fifos();
}

module_init(plain_fifo_init);
module_exit(plain_fifo_exit);

MODULE_AUTHOR("The vser maintainers");
MODULE_DESCRIPTION("A yardstick for the line");
MODULE_LICENSE("GPL");
