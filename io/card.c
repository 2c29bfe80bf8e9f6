// SPDX-License-Identifier: GPL-2.0
/*
 * io_demo - the driver of QEMU's PCI device "edu"
 *
 * The device inverts numbers, computes factorials, raises interrupts and copies
 * by DMA; all that a small PCI driver has to care about is in here.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/delay.h>
#include <linux/dma-mapping.h>
#include <linux/dmapool.h>
#include <linux/interrupt.h>
#include <linux/io.h>
#include <linux/io-64-nonatomic-lo-hi.h>
#include <linux/iopoll.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/log2.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/nospec.h>
#include <linux/pci.h>
#include <linux/pm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/swiotlb.h>
#include <linux/timekeeping.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "io/lab.h"
#include "io_demo.h"
#include "compat.h"

/* The edu device: its registers */

#define EDU_ID			0x00
#define EDU_LIVE		0x04	/* reads as the inverse of what was written */
#define EDU_FACTORIAL		0x08
#define EDU_STATUS		0x20
#define EDU_IRQ_STATUS		0x24
#define EDU_IRQ_RAISE		0x60
#define EDU_IRQ_ACK		0x64
#define EDU_DMA_SOURCE		0x80
#define EDU_DMA_TARGET		0x88
#define EDU_DMA_COUNT		0x90
#define EDU_DMA_COMMAND		0x98
#define EDU_SIZE		0xa0	/* of what we use */

#define EDU_STATUS_COMPUTING	0x01
#define EDU_STATUS_WANT_IRQ	0x80

#define EDU_IRQ_FACTORIAL	0x00000001
#define EDU_IRQ_DMA		0x00000100
#define EDU_IRQ_TEST		0x00010000	/* ours; the device knows no meaning */

#define EDU_DMA_RUN		0x01
#define EDU_DMA_FROM_DEVICE	0x02
#define EDU_DMA_WANT_IRQ	0x04

/* Where the device's own memory is, for its DMA engine. */
#define EDU_DMA_MEMORY		0x40000

/* For an interrupt that needs nothing but to arrive, and a handler to be run. */
#define EDU_IRQ_TIMEOUT		(5 * HZ)

static_assert(!(IO_DEMO_USER_IRQS &
		(EDU_IRQ_FACTORIAL | EDU_IRQ_DMA | EDU_IRQ_TEST)));

static unsigned int io_demo_mask_bits = 28;
/* A device that has fewer writes where it was not told to: hence "unsafe". */
module_param_named_unsafe(edu_mask_bits, io_demo_mask_bits, uint, 0444);
MODULE_PARM_DESC(edu_mask_bits, "address bits of edu devices, 24 to 64 (default 28); more than QEMU's dma_mask is dangerous");

/*
 * QEMU's engine needs 100 ms; after this it is stuck. It bounds each wait that no
 * signal ends: a program that is being killed, or a driver core that holds the
 * device's lock, stands still for no longer than IO_DEMO_MAX_STUCK.
 */
#define IO_DEMO_MAX_STUCK	5000
static unsigned int io_demo_timeout_ms = 2000;
module_param_named(edu_timeout_ms, io_demo_timeout_ms, uint, 0444);
MODULE_PARM_DESC(edu_timeout_ms, "milliseconds after which a transfer of an edu device is stuck, 1 to 5000 (default 2000)");

static bool io_demo_msi = true;
module_param_named(edu_msi, io_demo_msi, bool, 0444);
MODULE_PARM_DESC(edu_msi, "use message signalled interrupts if the device has them (default Y)");

/* Interrupts */

/* Hard interrupt context, or a thread's on a kernel that makes one of it. */
static irqreturn_t io_demo_card_irq(int irq, void *data)
{
	struct io_demo_card *card = data;
	u64 now = ktime_get_ns();
	irqreturn_t ret = IRQ_HANDLED;
	unsigned long flags;
	u32 status;

	status = readl(card->regs + EDU_IRQ_STATUS);
	spin_lock_irqsave(&card->irq_lock, flags);
	/* On a shared line it may be another's. All ones: there is no device. */
	if (!status || status == U32_MAX) {
		card->others++;
		spin_unlock_irqrestore(&card->irq_lock, flags);
		return IRQ_NONE;
	}

	writel(status, card->regs + EDU_IRQ_ACK);
	/*
	 * The bus may delay a write; a read behind it sees to it that the line
	 * is low when we return, or we would be called once more for nothing.
	 */
	if (!card->pdev->msi_enabled)
		readl(card->regs + EDU_IRQ_STATUS);

	card->interrupts++;
	if (status & IO_DEMO_USER_IRQS) {
		card->user_irqs++;
		card->user_bits = status & IO_DEMO_USER_IRQS;
	}
	if (status & EDU_IRQ_TEST) {
		card->handler_ns = now;
		card->lower_ns = now;
		if (card->half == IO_DEMO_HALF_THREAD)
			ret = IRQ_WAKE_THREAD;
		else if (card->half == IO_DEMO_HALF_WORK)
			queue_work(system_highpri_wq, &card->work);
		if (card->half != IO_DEMO_HALF_HARD)
			status &= ~EDU_IRQ_TEST;
	}
	card->events |= status;
	spin_unlock_irqrestore(&card->irq_lock, flags);
	wake_up_all(&card->wait);

	return ret;
}

/* What the handler has left to a half that may sleep, whichever it is. */
static void io_demo_card_lower_half(struct io_demo_card *card, u64 *count)
{
	u64 now = ktime_get_ns();

	spin_lock_irq(&card->irq_lock);
	(*count)++;
	card->lower_ns = now;
	card->events |= EDU_IRQ_TEST;
	spin_unlock_irq(&card->irq_lock);
	wake_up_all(&card->wait);
}

static irqreturn_t io_demo_card_thread(int irq, void *data)
{
	struct io_demo_card *card = data;

	io_demo_card_lower_half(card, &card->threads);

	return IRQ_HANDLED;
}

static void io_demo_card_work(struct work_struct *work)
{
	struct io_demo_card *card = container_of(work, struct io_demo_card, work);

	io_demo_card_lower_half(card, &card->works);
}

/* Takes those of the status bits that have come. */
static u32 io_demo_card_take(struct io_demo_card *card, u32 bits)
{
	spin_lock_irq(&card->irq_lock);
	bits &= card->events;
	card->events &= ~bits;
	spin_unlock_irq(&card->irq_lock);

	return bits;
}

bool io_demo_card_gone(struct io_demo_card *card)
{
	return READ_ONCE(card->gone);
}

/* Cards: their lives */

/* Protects io_demo_cards. Process context; innermost of the mutexes. */
static DEFINE_MUTEX(io_demo_cards_lock);
static struct io_demo_card *io_demo_cards[IO_DEMO_MAX_EDUS];

static void io_demo_card_free(struct kref *ref)
{
	struct io_demo_card *card = container_of(ref, struct io_demo_card, ref);

	pci_dev_put(card->pdev);
	kfree(card);
}

void io_demo_card_put(void *card)
{
	kref_put(&((struct io_demo_card *)card)->ref, io_demo_card_free);
}

struct io_demo_card *io_demo_card_get(u32 index)
{
	struct io_demo_card *card = NULL;

	mutex_lock(&io_demo_cards_lock);
	if (index < IO_DEMO_MAX_EDUS)
		card = io_demo_cards[array_index_nospec(index, IO_DEMO_MAX_EDUS)];
	if (card)
		kref_get(&card->ref);
	mutex_unlock(&io_demo_cards_lock);

	return card;
}

static bool io_demo_card_transfers(struct io_demo_card *card)
{
	return readl(card->regs + EDU_DMA_COMMAND) & EDU_DMA_RUN;
}

/*
 * A device that has lost the bus because its engine was stuck gets it back when
 * that has ended, for its messages too.
 */
static void io_demo_card_regain(struct io_demo_card *card)
{
	lockdep_assert_held(&card->lock);
	if (!card->pdev->is_busmaster && !io_demo_card_transfers(card))
		pci_set_master(card->pdev);
}

/*
 * Waits until the engine does not run, and the device has the bus. Whatever needs
 * an interrupt begins with this: without the bus its message would be lost, and the
 * wait for it would last as long as the caller allows. Nothing has been begun yet,
 * so a signal ends the wait.
 */
static int io_demo_card_ready(struct io_demo_card *card)
{
	ktime_t end = ktime_add_ms(ktime_get(), io_demo_timeout_ms);
	bool late;

	lockdep_assert_held(&card->lock);
	for (;;) {
		/* The last look is one after the time is over. */
		late = ktime_after(ktime_get(), end);
		if (io_demo_card_gone(card))
			return -ENODEV;
		if (!io_demo_card_transfers(card))
			break;
		if (late)
			return -EIO;
		if (signal_pending(current))
			return -ERESTARTSYS;
		usleep_range(USEC_PER_MSEC, 2 * USEC_PER_MSEC);
	}
	io_demo_card_regain(card);

	return 0;
}

/* Locks a card for an operation, unless its device has gone. */
int io_demo_card_lock(struct io_demo_card *card)
{
	int ret;

	ret = io_demo_lock(&card->lock);
	if (ret)
		return ret;
	if (io_demo_card_gone(card)) {
		mutex_unlock(&card->lock);
		return -ENODEV;
	}
	io_demo_card_regain(card);

	return 0;
}

/* Gets and locks card @index; to be followed by io_demo_card_done(). */
static struct io_demo_card *io_demo_card_begin(u32 index)
{
	struct io_demo_card *card = io_demo_card_get(index);
	int ret;

	if (!card)
		return ERR_PTR(-ENODEV);
	ret = io_demo_card_lock(card);
	if (ret) {
		io_demo_card_put(card);
		return ERR_PTR(ret);
	}

	return card;
}

static void io_demo_card_done(struct io_demo_card *card)
{
	mutex_unlock(&card->lock);
	io_demo_card_put(card);
}

static int io_demo_card_publish(struct io_demo_card *card)
{
	unsigned int i;

	mutex_lock(&io_demo_cards_lock);
	for (i = 0; i < IO_DEMO_MAX_EDUS && io_demo_cards[i]; i++)
		;
	if (i < IO_DEMO_MAX_EDUS) {
		card->index = i;
		io_demo_cards[i] = card;
	}
	mutex_unlock(&io_demo_cards_lock);

	return i < IO_DEMO_MAX_EDUS ? 0 : -ENODEV;
}

static void io_demo_card_unpublish(struct io_demo_card *card)
{
	mutex_lock(&io_demo_cards_lock);
	io_demo_cards[card->index] = NULL;
	mutex_unlock(&io_demo_cards_lock);
}

static u32 io_demo_card_present(void)
{
	u32 present = 0;
	unsigned int i;

	mutex_lock(&io_demo_cards_lock);
	for (i = 0; i < IO_DEMO_MAX_EDUS; i++)
		if (io_demo_cards[i])
			present |= BIT(i);
	mutex_unlock(&io_demo_cards_lock);

	return present;
}

/* Waits until the DMA engine does not run: it cannot be stopped. */
static int io_demo_card_idle(struct io_demo_card *card, unsigned int ms)
{
	u32 command;

	/* All ones is what is read where no device is any more. */
	return readl_poll_timeout(card->regs + EDU_DMA_COMMAND, command,
				  !(command & EDU_DMA_RUN) || command == U32_MAX,
				  USEC_PER_MSEC, ms * USEC_PER_MSEC);
}

/* The device raises no interrupt of its own any more, and has none pending. */
static void io_demo_card_quiet(struct io_demo_card *card)
{
	writel(0, card->regs + EDU_STATUS);
	writel(readl(card->regs + EDU_IRQ_STATUS), card->regs + EDU_IRQ_ACK);
}

/*
 * From here on the device does not raise its interrupt line, whatever it still
 * does: an engine that runs cannot be stopped, and asks for an interrupt when it
 * ends. Where nobody is left to answer, a raised line is handed to its neighbours'
 * drivers again and again, until the kernel disables it for all of them. This is a
 * write to the device's own register: pci_intx() undoes itself when the driver goes.
 * pci_enable_device() and pci_alloc_irq_vectors() allow the line again.
 */
static void io_demo_card_mute(void *pdev)
{
	u16 command;

	pci_read_config_word(pdev, PCI_COMMAND, &command);
	pci_write_config_word(pdev, PCI_COMMAND,
			      command | PCI_COMMAND_INTX_DISABLE);
}

static void io_demo_card_cancel_work(void *card)
{
	cancel_work_sync(&((struct io_demo_card *)card)->work);
}

static struct io_demo_card *io_demo_card_alloc(struct pci_dev *pdev)
{
	struct io_demo_card *card;

	card = kzalloc(sizeof(*card), GFP_KERNEL);
	if (!card)
		return NULL;
	kref_init(&card->ref);
	card->pdev = pci_dev_get(pdev);
	mutex_init(&card->lock);
	mutex_init(&card->memory_lock);
	INIT_LIST_HEAD(&card->buffers);
	card->computing = IO_DEMO_NOTHING;
	init_waitqueue_head(&card->wait);
	INIT_WORK(&card->work, io_demo_card_work);
	spin_lock_init(&card->irq_lock);

	return card;
}

/* Interrupts: the handler first, then what has it called. */
static int io_demo_card_init_irq(struct io_demo_card *card)
{
	struct pci_dev *pdev = card->pdev;
	int ret;

	ret = pci_alloc_irq_vectors(pdev, 1, 1, io_demo_msi ?
				    PCI_IRQ_MSI | PCI_IRQ_INTX : PCI_IRQ_INTX);
	if (ret < 0)
		return ret;

	/* Undone after the interrupt is freed, when nothing queues it again. */
	ret = devm_add_action_or_reset(&pdev->dev, io_demo_card_cancel_work, card);
	if (ret)
		return ret;

	return devm_request_threaded_irq(&pdev->dev, pci_irq_vector(pdev, 0),
					 io_demo_card_irq, io_demo_card_thread,
					 pdev->msi_enabled ? 0 : IRQF_SHARED,
					 IO_DEMO_NAME, card);
}

/*
 * All that is got here is managed: it goes in reverse order, the card's own
 * reference last, when this fails and after the remove function.
 */
static int io_demo_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct device *dev = &pdev->dev;
	struct io_demo_card *card;
	u32 ident;
	int ret;

	card = io_demo_card_alloc(pdev);
	if (!card)
		return -ENOMEM;
	ret = devm_add_action_or_reset(dev, io_demo_card_put, card);
	if (ret)
		return ret;

	/*
	 * Undone after messages are off, by which the PCI core allows the line.
	 */
	ret = devm_add_action(dev, io_demo_card_mute, pdev);
	if (ret)
		return ret;
	ret = pcim_enable_device(pdev);
	if (ret)
		return ret;
	/* Enabling allowed it, and there is no handler yet. */
	io_demo_card_mute(pdev);
	/* Through "new_id" in sysfs we may be given any device. */
	if (!(pci_resource_flags(pdev, 0) & IORESOURCE_MEM) ||
	    pci_resource_len(pdev, 0) < EDU_SIZE)
		return dev_err_probe(dev, -ENODEV,
				     "no edu device: it lacks the registers\n");
	card->regs = pcim_iomap_region(pdev, 0, IO_DEMO_NAME);
	if (IS_ERR(card->regs))
		return dev_err_probe(dev, PTR_ERR(card->regs),
				     "its registers cannot be had\n");
	ident = readl(card->regs + EDU_ID);
	if ((ident & 0xff) != 0xed)
		return dev_err_probe(dev, -ENODEV,
				     "no edu device: it calls itself %#x\n", ident);

	ret = dma_set_mask_and_coherent(dev, DMA_BIT_MASK(io_demo_mask_bits));
	if (ret)
		return dev_err_probe(dev, ret, "no DMA with edu_mask_bits=%u\n",
				     io_demo_mask_bits);
	card->pool = dmam_pool_create(IO_DEMO_NAME, dev, IO_DEMO_POOL_SIZE,
				      IO_DEMO_POOL_SIZE, 0);
	if (!card->pool)
		return -ENOMEM;

	/*
	 * A predecessor may have left the engine running; it must not write
	 * into memory that is somebody else's by now.
	 */
	ret = io_demo_card_idle(card, io_demo_timeout_ms);
	if (ret)
		return dev_err_probe(dev, ret,
				     "its engine still runs, after %u ms of waiting\n",
				     io_demo_timeout_ms);
	io_demo_card_quiet(card);
	pci_set_master(pdev);

	ret = io_demo_card_init_irq(card);
	if (ret)
		return dev_err_probe(dev, ret, "no interrupt\n");
	pci_set_drvdata(pdev, card);

	ret = io_demo_card_publish(card);
	if (ret)
		return dev_err_probe(dev, ret, "no more than %u devices are driven\n",
				     IO_DEMO_MAX_EDUS);

	return 0;
}

/*
 * The device is no more used, and does nothing any more that anybody could notice.
 * What was waiting for it leaves now; what comes later is turned away.
 *
 * An engine that runs asks for an interrupt when it ends. That is answered here, as
 * long as it ends at all: it would stay pending, and raise the line at the moment in
 * which the next driver enables the device and has no handler yet.
 */
static void io_demo_card_stop(struct io_demo_card *card)
{
	WRITE_ONCE(card->gone, true);
	wake_up_all(&card->wait);

	mutex_lock(&card->lock);
	io_demo_card_mute(card->pdev);
	pci_clear_master(card->pdev);
	io_demo_card_idle(card, IO_DEMO_MAX_STUCK);
	io_demo_card_quiet(card);
	mutex_unlock(&card->lock);
}

static void io_demo_remove(struct pci_dev *pdev)
{
	struct io_demo_card *card = pci_get_drvdata(pdev);

	io_demo_card_unpublish(card);
	io_demo_card_stop(card);
	io_demo_buffers_strip(card);
}

/*
 * The machine is switched off, or another kernel takes it over (kexec), in whose
 * memory the engine must not write, and who has no handler for its interrupts yet.
 * Programs may still be running.
 */
static void io_demo_shutdown(struct pci_dev *pdev)
{
	io_demo_card_stop(pci_get_drvdata(pdev));
}

/*
 * Programs are frozen, so that no operation is running but one that cannot be
 * interrupted; it is waited for. The PCI core saves and restores the rest.
 */
static int io_demo_suspend(struct device *dev)
{
	struct io_demo_card *card = pci_get_drvdata(to_pci_dev(dev));

	mutex_lock(&card->lock);
	io_demo_card_quiet(card);
	mutex_unlock(&card->lock);
	flush_work(&card->work);

	return 0;
}

static int io_demo_resume(struct device *dev)
{
	struct io_demo_card *card = pci_get_drvdata(to_pci_dev(dev));

	mutex_lock(&card->lock);
	io_demo_card_quiet(card);
	mutex_unlock(&card->lock);

	return 0;
}

static const struct dev_pm_ops io_demo_pm_ops = {
	SYSTEM_SLEEP_PM_OPS(io_demo_suspend, io_demo_resume)
};

static const struct pci_device_id io_demo_ids[] = {
	{ PCI_DEVICE(0x1234, 0x11e8) },
	{ }
};
MODULE_DEVICE_TABLE(pci, io_demo_ids);

/*
 * There is no err_handler: errors are told of devices that have the capability for
 * it (PCI Express, AER) or that are behind a bridge that watches them (EEH of
 * POWER). QEMU's edu has none, so that none of it could be tried; and without
 * handlers EEH removes the device and lets it be probed again, which is what ours
 * would do.
 */
static struct pci_driver io_demo_driver = {
	.name = IO_DEMO_NAME,
	.id_table = io_demo_ids,
	.probe = io_demo_probe,
	.remove = io_demo_remove,
	.shutdown = io_demo_shutdown,
	.driver.pm = pm_sleep_ptr(&io_demo_pm_ops),
};

/* Cards: what they do */

static u32 io_demo_card_state(struct io_demo_card *card)
{
	struct device *dev = &card->pdev->dev;
	u32 state = 0;

	if (card->pdev->msi_enabled)
		state |= IO_DEMO_EDU_MSI;
	if (io_demo_translated(dev))
		state |= IO_DEMO_EDU_IOMMU;
	else if (io_demo_bounces(dev))
		state |= IO_DEMO_EDU_BOUNCE;
	if (is_swiotlb_force_bounce(dev))
		state |= IO_DEMO_EDU_FORCED;

	return state;
}

long io_demo_edu(void *state, void __user *arg)
{
	struct io_demo_card *card;
	struct io_demo_edu edu;
	int ret;

	ret = io_demo_enter(&edu, arg, sizeof(edu));
	if (ret)
		return ret;

	edu = (struct io_demo_edu) {
		.index = edu.index,
		.present = io_demo_card_present(),
	};
	card = io_demo_card_begin(edu.index);
	if (IS_ERR(card))
		return io_demo_leave(arg, &edu, sizeof(edu)) ?: PTR_ERR(card);

	edu.state = io_demo_card_state(card);
	edu.id = readl(card->regs + EDU_ID);
	edu.irq = pci_irq_vector(card->pdev, 0);
	edu.mask_bits = ilog2(dma_get_mask(&card->pdev->dev)) + 1;
	edu.bar_size = pci_resource_len(card->pdev, 0);
	if (io_demo_sees_addresses()) {
		edu.state |= IO_DEMO_EDU_RAW;
		edu.bar = pci_resource_start(card->pdev, 0);
	}
	strscpy(edu.name, pci_name(card->pdev), sizeof(edu.name));
	spin_lock_irq(&card->irq_lock);
	edu.interrupts = card->interrupts;
	edu.threads = card->threads;
	edu.works = card->works;
	edu.others = card->others;
	spin_unlock_irq(&card->irq_lock);
	io_demo_card_done(card);

	return io_demo_leave(arg, &edu, sizeof(edu));
}

long io_demo_live(void *state, void __user *arg)
{
	struct io_demo_card *card;
	struct io_demo_live live;
	int ret;

	ret = io_demo_enter(&live, arg, sizeof(live));
	if (ret)
		return ret;
	if (live.reserved)
		return -EINVAL;
	card = io_demo_card_begin(live.index);
	if (IS_ERR(card))
		return PTR_ERR(card);

	writel(live.value, card->regs + EDU_LIVE);
	live.answer = readl(card->regs + EDU_LIVE);
	io_demo_card_done(card);

	return io_demo_leave(arg, &live, sizeof(live));
}

static bool io_demo_card_computes(struct io_demo_card *card)
{
	return readl(card->regs + EDU_STATUS) & EDU_STATUS_COMPUTING;
}

/*
 * Has the result come? An interrupt that was on its way when we began belongs
 * to what was computed before; the status tells them apart. Who has @joined a
 * computation may have come too late for its interrupt.
 */
static bool io_demo_card_computed(struct io_demo_card *card, bool joined)
{
	return (io_demo_card_take(card, EDU_IRQ_FACTORIAL) || joined) &&
	       !io_demo_card_computes(card);
}

/*
 * Waits for the interrupt. When the time is over the device has the last word: its
 * answer may be there although no interrupt told of it.
 */
static int io_demo_await_result(struct io_demo_card *card, unsigned int ms,
				bool joined)
{
	long left;

	left = wait_event_interruptible_timeout(card->wait,
						io_demo_card_gone(card) ||
						io_demo_card_computed(card, joined),
						msecs_to_jiffies(ms));
	if (io_demo_card_gone(card))
		return -ENODEV;
	if (left < 0)
		return left;

	return left || !io_demo_card_computes(card) ? 0 : -ETIMEDOUT;
}

/* Looks at the status again and again. */
static int io_demo_poll_result(struct io_demo_card *card, unsigned int ms)
{
	ktime_t end = ktime_add_ms(ktime_get(), ms);
	bool late;

	for (;;) {
		/* The last look is one after the time is over. */
		late = ktime_after(ktime_get(), end);
		if (!io_demo_card_computes(card))
			return 0;
		if (io_demo_card_gone(card))
			return -ENODEV;
		if (signal_pending(current))
			return -ERESTARTSYS;
		if (late)
			return -ETIMEDOUT;
		usleep_range(10, 20);
	}
}

/*
 * A device that still computes what is asked for, because a call that has begun
 * it did not wait for the end, is not told again: we join. So a call that begins
 * again after a signal, or when the system has slept, goes on where it was.
 */
static int io_demo_card_compute(struct io_demo_card *card,
				struct io_demo_factorial *factorial)
{
	bool poll = factorial->flags & IO_DEMO_POLL;
	bool joined;
	u64 start;
	int ret;

	lockdep_assert_held(&card->lock);
	if (!poll) {
		ret = io_demo_card_ready(card);
		if (ret)
			return ret;
	}
	joined = io_demo_card_computes(card);
	if (joined && card->computing != factorial->n)
		return -EBUSY;
	io_demo_card_take(card, EDU_IRQ_FACTORIAL);
	writel(poll ? 0 : EDU_STATUS_WANT_IRQ, card->regs + EDU_STATUS);

	start = ktime_get_ns();
	if (!joined) {
		card->computing = factorial->n;
		writel(factorial->n, card->regs + EDU_FACTORIAL);
	}
	if (poll)
		ret = io_demo_poll_result(card, factorial->timeout_ms);
	else
		ret = io_demo_await_result(card, factorial->timeout_ms, joined);
	factorial->ns = ktime_get_ns() - start;
	factorial->result = readl(card->regs + EDU_FACTORIAL);
	writel(0, card->regs + EDU_STATUS);

	return ret;
}

static bool io_demo_is_timeout(u32 ms)
{
	return ms && ms <= IO_DEMO_MAX_TIMEOUT;
}

long io_demo_factorial(void *state, void __user *arg)
{
	struct io_demo_factorial factorial;
	struct io_demo_card *card;
	int ret;

	ret = io_demo_enter(&factorial, arg, sizeof(factorial));
	if (ret)
		return ret;
	if (factorial.flags & ~IO_DEMO_POLL || factorial.reserved ||
	    !io_demo_is_timeout(factorial.timeout_ms))
		return -EINVAL;

	card = io_demo_card_begin(factorial.index);
	if (IS_ERR(card))
		return PTR_ERR(card);
	ret = io_demo_card_compute(card, &factorial);
	io_demo_card_done(card);

	return ret ?: io_demo_leave(arg, &factorial, sizeof(factorial));
}

long io_demo_raise(void *state, void __user *arg)
{
	struct io_demo_card *card;
	struct io_demo_raise raise;
	int ret;

	ret = io_demo_enter(&raise, arg, sizeof(raise));
	if (ret)
		return ret;
	if (!raise.bits || raise.bits & ~IO_DEMO_USER_IRQS)
		return -EINVAL;

	card = io_demo_card_begin(raise.index);
	if (IS_ERR(card))
		return PTR_ERR(card);
	ret = io_demo_card_ready(card);
	if (!ret)
		writel(raise.bits, card->regs + EDU_IRQ_RAISE);
	io_demo_card_done(card);

	return ret;
}

/* Have there been more than the caller knows? If so, it is told. */
static bool io_demo_card_raised(struct io_demo_card *card,
				struct io_demo_wait *wait)
{
	bool raised;

	spin_lock_irq(&card->irq_lock);
	raised = card->user_irqs > wait->seen;
	if (raised) {
		wait->seen = card->user_irqs;
		wait->bits = card->user_bits;
	}
	spin_unlock_irq(&card->irq_lock);

	return raised;
}

long io_demo_wait(void *state, void __user *arg)
{
	struct io_demo_card *card;
	struct io_demo_wait wait;
	long ret;

	ret = io_demo_enter(&wait, arg, sizeof(wait));
	if (ret)
		return ret;
	if (wait.timeout_ms > IO_DEMO_MAX_TIMEOUT || wait.bits || wait.reserved)
		return -EINVAL;

	card = io_demo_card_get(wait.index);
	if (!card)
		return -ENODEV;
	ret = wait_event_interruptible_timeout(card->wait,
					       io_demo_card_gone(card) ||
					       io_demo_card_raised(card, &wait),
					       msecs_to_jiffies(wait.timeout_ms));
	if (io_demo_card_gone(card))
		ret = -ENODEV;
	else if (ret >= 0)
		ret = ret ? 0 : -ETIMEDOUT;
	io_demo_card_put(card);

	return ret ?: io_demo_leave(arg, &wait, sizeof(wait));
}

static void io_demo_times_add(struct io_demo_times *times, u64 ns)
{
	unsigned int bucket = ns ? ilog2(ns) : 0;

	times->min = min(times->min, ns);
	times->max = max(times->max, ns);
	times->sum += ns;
	times->bucket[min_t(unsigned int, bucket, IO_DEMO_BUCKETS - 1)]++;
}

/* Raises an interrupt and waits for it. */
static int io_demo_card_time_irq(struct io_demo_card *card,
				 struct io_demo_irq *irq)
{
	u64 raised, handler, lower, task;
	long left;
	int ret;

	ret = io_demo_card_ready(card);
	if (ret)
		return ret;
	io_demo_card_take(card, EDU_IRQ_TEST);
	spin_lock_irq(&card->irq_lock);
	card->half = irq->half;
	spin_unlock_irq(&card->irq_lock);
	raised = ktime_get_ns();
	writel(EDU_IRQ_TEST, card->regs + EDU_IRQ_RAISE);
	left = wait_event_killable_timeout(card->wait,
					   io_demo_card_gone(card) ||
					   io_demo_card_take(card, EDU_IRQ_TEST),
					   EDU_IRQ_TIMEOUT);
	if (left <= 0) {
		/* Should it come after all, it is not to be the next one's. */
		io_demo_card_quiet(card);
		synchronize_irq(pci_irq_vector(card->pdev, 0));
		flush_work(&card->work);
		return left ? -EINTR : -ETIMEDOUT;
	}
	task = ktime_get_ns();
	if (io_demo_card_gone(card))
		return -ENODEV;

	spin_lock_irq(&card->irq_lock);
	handler = card->handler_ns;
	lower = card->lower_ns;
	spin_unlock_irq(&card->irq_lock);
	io_demo_times_add(&irq->handler, handler - raised);
	io_demo_times_add(&irq->lower, lower - raised);
	io_demo_times_add(&irq->task, task - raised);

	return 0;
}

/* Others may use the device in between. */
static int io_demo_card_time_irqs(struct io_demo_card *card,
				  struct io_demo_irq *irq)
{
	int ret;

	while (irq->done < irq->count) {
		ret = io_demo_card_lock(card);
		if (!ret) {
			ret = io_demo_card_time_irq(card, irq);
			mutex_unlock(&card->lock);
		}
		if (ret)
			return ret == -ERESTARTSYS && irq->done ? 0 : ret;
		irq->done++;
		if (signal_pending(current))
			break;
		cond_resched();
	}

	return 0;
}

long io_demo_irq(void *state, void __user *arg)
{
	struct io_demo_card *card;
	struct io_demo_irq irq;
	int ret;

	ret = io_demo_enter(&irq, arg, sizeof(irq));
	if (ret)
		return ret;
	if (irq.half < IO_DEMO_HALF_HARD || irq.half > IO_DEMO_HALF_WORK ||
	    !irq.count || irq.count > IO_DEMO_MAX_COUNT)
		return -EINVAL;
	irq = (struct io_demo_irq) {
		.index = irq.index, .half = irq.half, .count = irq.count,
		.handler.min = U64_MAX, .lower.min = U64_MAX, .task.min = U64_MAX,
	};

	card = io_demo_card_get(irq.index);
	if (!card)
		return -ENODEV;
	ret = io_demo_card_time_irqs(card, &irq);
	io_demo_card_put(card);

	return ret ?: io_demo_leave(arg, &irq, sizeof(irq));
}

/* DMA */

/*
 * Has the transfer ended? As with a factorial, an interrupt may belong to one that
 * was given up before.
 */
static bool io_demo_card_transferred(struct io_demo_card *card)
{
	return io_demo_card_take(card, EDU_IRQ_DMA) &&
	       !io_demo_card_transfers(card);
}

/*
 * Waits until the transfer has ended. While the engine runs, the buffer must stay:
 * what ends the wait before that takes the device's right to use the bus. It cannot
 * reach the buffer any more then, nor send messages, until io_demo_card_regain()
 * finds that it has ended. So a caller that is killed need not wait for the device.
 *
 * When the time is over the device has the last word, as with a factorial.
 */
static int io_demo_card_await_transfer(struct io_demo_card *card)
{
	long left;

	left = wait_event_killable_timeout(card->wait,
					   io_demo_card_gone(card) ||
					   io_demo_card_transferred(card),
					   msecs_to_jiffies(io_demo_timeout_ms));
	if (!io_demo_card_gone(card) &&
	    (left > 0 || !io_demo_card_transfers(card)))
		return 0;
	pci_clear_master(card->pdev);
	if (io_demo_card_gone(card))
		return -ENODEV;

	return left ? -EINTR : -ETIMEDOUT;
}

/* Has the engine copy between its memory and address @bus. */
int io_demo_card_run(struct io_demo_card *card, u32 op, dma_addr_t bus,
		     u32 device, u32 size)
{
	u64 inside = EDU_DMA_MEMORY + device;
	u64 command = EDU_DMA_RUN | EDU_DMA_WANT_IRQ;
	int ret;

	lockdep_assert_held(&card->lock);
	ret = io_demo_card_ready(card);
	if (ret)
		return ret;
	io_demo_card_take(card, EDU_IRQ_DMA);

	/*
	 * These reach the device in this order, the last one after all that was
	 * written to memory before: only the relaxed ones promise no such thing.
	 */
	if (op == IO_DEMO_READ)
		command |= EDU_DMA_FROM_DEVICE;
	writeq_relaxed(op == IO_DEMO_READ ? inside : bus,
		       card->regs + EDU_DMA_SOURCE);
	writeq_relaxed(op == IO_DEMO_READ ? bus : inside,
		       card->regs + EDU_DMA_TARGET);
	writeq_relaxed(size, card->regs + EDU_DMA_COUNT);
	writeq(command, card->regs + EDU_DMA_COMMAND);

	return io_demo_card_await_transfer(card);
}

int __init io_demo_cards_init(void)
{
	if (io_demo_mask_bits < 24 || io_demo_mask_bits > 64) {
		pr_err("edu_mask_bits=%u: must be 24 to 64\n", io_demo_mask_bits);
		return -EINVAL;
	}
	if (!io_demo_timeout_ms || io_demo_timeout_ms > IO_DEMO_MAX_STUCK) {
		pr_err("edu_timeout_ms=%u: must be 1 to %u\n",
		       io_demo_timeout_ms, IO_DEMO_MAX_STUCK);
		return -EINVAL;
	}

	return pci_register_driver(&io_demo_driver);
}

void io_demo_cards_exit(void)
{
	pci_unregister_driver(&io_demo_driver);
}
