/* Stories of the schedule: what happens, a line an event, and what it decides, a line a decision.
 * A file in stories/ has both. Lines with a `>` are told to the schedule, on a clock that jumps;
 * all others are written by the test, which compares; but text in front of the first `>` and lines
 * that begin with `#` are for the reader.
 *
 *   > slots 4                        one builder, "local"
 *   > builder big 2 speed 2          several
 *   > policy grace 1h factor 2       also: lane 0.5, reserve 0
 *   > submit torch 10h               a job wants it; it is ready, or waits for what it needs
 *       spread 0.5                     of its estimate; it takes what is estimated but for
 *       takes 20h                      this
 *       needs magma,triton
 *       weight 2   by alice   leftover   times 8 (torch1 to torch8)
 *   > add magma 2h                   the same, but nobody wants it by itself
 *   > want NAME                      now somebody does
 *   > supersede OLD NEW    > bump NAME    > hold NAME    > release NAME    > fail NAME
 *   > learn 2h times 10              builds that cost so much have ended
 *   > used 40h by alice              so much slot time was charged to her of late
 *   > run 3h                         time passes
 *   > clock back 1h                  the time that is told from now on is so much earlier
 *   > restart                        what ran is ready again
 *   > why NAME    > forecast NAME    as to people
 *
 * No scores are told: those change when the constants of score.h are tuned. */
#ifndef CAPQ_TESTS_SIM_STORY_H
#define CAPQ_TESTS_SIM_STORY_H

#include "lib/str.h"

/* Run the lines of `script` that begin with `>`, and give all of it as it should read. */
char *story_tell(const char *script);

#endif
