/* POST /backup: a consistent copy of the data base, made by a worker thread into a file that is
 * already unlinked when it is sent. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include "daemon/api/method.h"
#include "lib/mem.h"

struct backup {
	uv_work_t work;
	struct request *request; /* NULL: the client is gone. */
	char *from, *to;
	int rv;
	struct err err;
};

static void do_backup(uv_work_t *work)
{
	struct backup *b = CONTAINER_OF(work, struct backup, work);

	(void)unlink(b->to);
	b->rv = store_backup(b->from, b->to, &b->err);
}

static const struct answered *send_file(struct backup *b)
{
	int fd = open(b->to, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) != 0) {
		if (fd >= 0)
			(void)close(fd);
		(void)err_errno(&b->err, errno, "cannot read the copy");
		return answer_err(b->request, &b->err);
	}
	return answer_file(b->request, "application/vnd.sqlite3", fd, st.st_size);
}

static void on_done(uv_work_t *work, int status)
{
	struct backup *b = CONTAINER_OF(work, struct backup, work);

	(void)status;
	if (b->request != NULL && b->rv < 0)
		(void)answer_err(b->request, &b->err);
	else if (b->request != NULL)
		(void)send_file(b);
	(void)unlink(b->to);
	free(b->from);
	free(b->to);
	free(b);
}

static void forget_request(void *owner)
{
	struct backup *b = owner;

	b->request = NULL;
}

static const struct answered *run(struct request *r)
{
	static unsigned n;
	struct pipeline *p = request_pipeline(r);
	struct backup *b = xcalloc(1, sizeof *b);

	b->request = r;
	b->from = str_format("%s/capqd.sqlite", pipeline_state_dir(p));
	b->to = str_format("%s/backup-%u.tmp", pipeline_state_dir(p), n++);
	if (uv_queue_work(pipeline_loop(p), &b->work, do_backup, on_done) != 0)
		abort(); /* libuv has no reason to refuse. */
	return answer_later(r, forget_request, b);
}

const struct method method_backup = {
	.name = "backup",
	.verb = "POST",
	.path = "/backup",
	.role = ROLE_ADMIN,
	.query = "",
	.run = run,
};
