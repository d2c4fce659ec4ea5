/* When which build was first wanted, and by which job: the past as a queue of builds. Pure.
 *
 *   arrivals_add_build() for all builds, arrivals_add_need(), arrivals_add_job()
 *   arrivals_order()
 *   arrivals_n(), arrivals_at(), arrivals_has()
 *
 * A build is wanted by the jobs whose derivation it builds, and by all that want a build which
 * needs it. It arrives when the first of them was submitted, and is owned by the heaviest: that of
 * the highest priority, of these the first. */
#ifndef CAPQ_DAEMON_STATS_ARRIVALS_H
#define CAPQ_DAEMON_STATS_ARRIVALS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arrivals;

struct arrivals *arrivals_create(void);
void arrivals_destroy(struct arrivals *arrivals); /* NULL is harmless. */

/* Enter builds, by ascending ids, each before what follows names it. `wall_ms` below 0: it is no
 * arrival, and only says who wants what it needs. Of a build that nobody wants any more, when it
 * was entered counts. */
void arrivals_add_build(struct arrivals *arrivals, int64_t id, int64_t created_at, int64_t wall_ms);

/* Enter what builds need, by ascending `build_id`; and jobs, by ascending ids. */
void arrivals_add_need(struct arrivals *arrivals, int64_t build_id, int64_t need_id);
void arrivals_add_job(struct arrivals *arrivals, int64_t job_id, int64_t build_id,
	int64_t submitted_at, int priority);

struct arrival {
	int64_t build_id;
	int64_t job_id; /* The owner; 0: nobody. */
	int64_t at_ms;
	int64_t wall_ms;
};

/* Keep those from `since_ms` on, and put them in order: of time, of these what is needed before
 * what needs it, of these by ids. */
void arrivals_order(struct arrivals *arrivals, int64_t since_ms);

/* Then: how many, the `i`th, and whether a build is one of them. */
size_t arrivals_n(const struct arrivals *arrivals);
const struct arrival *arrivals_at(const struct arrivals *arrivals, size_t i);
bool arrivals_has(const struct arrivals *arrivals, int64_t build_id);

#endif
