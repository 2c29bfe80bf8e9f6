// SPDX-License-Identifier: GPL-2.0
/*
 * mem_demo - work on several CPUs at the same time
 */
#include <linux/cpu.h>
#include <linux/sched/signal.h>

#include "lab.h"

/*
 * One for the jobs, and one for what a job waits for: with as many jobs as a
 * workqueue runs at a time, the other would never get its turn there.
 */
struct workqueue_struct *mem_demo_workqueue;
struct workqueue_struct *mem_demo_remote_workqueue;

int mem_demo_make_workqueues(void)
{
	mem_demo_workqueue = alloc_workqueue(MEM_DEMO_NAME,
					     WQ_CPU_INTENSIVE | WQ_PERCPU, 0);
	if (!mem_demo_workqueue)
		return -ENOMEM;

	mem_demo_remote_workqueue =
		alloc_workqueue(MEM_DEMO_NAME "_remote",
				WQ_CPU_INTENSIVE | WQ_PERCPU, 0);
	if (!mem_demo_remote_workqueue) {
		destroy_workqueue(mem_demo_workqueue);
		return -ENOMEM;
	}

	return 0;
}

void mem_demo_destroy_workqueues(void)
{
	destroy_workqueue(mem_demo_workqueue);
	destroy_workqueue(mem_demo_remote_workqueue);
}

static void mem_demo_job_work(struct work_struct *work)
{
	struct mem_demo_job *job = container_of(work, struct mem_demo_job, work);

	wait_for_completion(&job->team->start);
	job->fn(job);
	complete(&job->done);
}

void mem_demo_team_init(struct mem_demo_team *team)
{
	init_completion(&team->start);
	team->stop = false;
	INIT_LIST_HEAD(&team->jobs);
}

void mem_demo_team_add(struct mem_demo_team *team,
		       struct mem_demo_job *job, unsigned int cpu,
		       void (*fn)(struct mem_demo_job *job))
{
	INIT_WORK(&job->work, mem_demo_job_work);
	init_completion(&job->done);
	job->team = team;
	job->cpu = cpu;
	job->fn = fn;
	list_add_tail(&job->node, &team->jobs);
}

/* Should a job end? Also for one that the caller does itself. */
bool mem_demo_team_stopped(const struct mem_demo_team *team)
{
	return READ_ONCE(team->stop) || fatal_signal_pending(current);
}

/*
 * Has all jobs done; a fatal signal to the caller stops them. A CPU that goes
 * offline in the meantime leaves its work to another.
 */
void mem_demo_team_run(struct mem_demo_team *team)
{
	struct mem_demo_job *job;

	cpus_read_lock();
	list_for_each_entry(job, &team->jobs, node)
		queue_work_on(job->cpu, mem_demo_workqueue, &job->work);
	cpus_read_unlock();
	complete_all(&team->start);

	list_for_each_entry(job, &team->jobs, node) {
		if (wait_for_completion_killable(&job->done))
			WRITE_ONCE(team->stop, true);
		flush_work(&job->work);
	}
}

unsigned int mem_demo_next_cpu(unsigned int cpu)
{
	cpu = cpumask_next(cpu, cpu_online_mask);

	return cpu < nr_cpu_ids ? cpu : cpumask_first(cpu_online_mask);
}
