// SPDX-License-Identifier: GPL-2.0
/*
 * io_demo - the kernel's trees of ports and addresses: who has a range
 */
#include <linux/ioport.h>
#include <linux/mm.h>
#include <linux/pci.h>

#include "io/lab.h"

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
