#include "push/watch.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/mem.h"
#include "lib/store_path.h"
#include "push/bars.h"

struct watched {
	const char *path;
	uint64_t nar_bytes, nar_done, file_done;
	struct pace nar, file;
};

static bool is_set(const char *variable)
{
	const char *value = getenv(variable);

	return value != NULL && value[0] != '\0';
}

static bool can_be_drawn_on(int fd)
{
	const char *term = getenv("TERM");

	return isatty(fd) == 1 && term != NULL && term[0] != '\0' && strcmp(term, "dumb") != 0;
}

void watch_init(struct watch *watch, bool wanted, int64_t now_us)
{
	*watch = (struct watch){
		.is_drawn = wanted && can_be_drawn_on(STDERR_FILENO) && !is_set("CI"),
		.has_colour = wanted && can_be_drawn_on(STDERR_FILENO) && !is_set("NO_COLOR"),
		.is_output_terminal = isatty(STDOUT_FILENO) == 1,
		.screen = { .fd = STDERR_FILENO },
	};
	pace_begin(&watch->nar, now_us);
	pace_begin(&watch->file, now_us);
}

/* ---- lines ---- */

/* While there are bars, lines wait for the next drawing: there may be thousands a second. */
void watch_say(struct watch *watch, FILE *stream, const char *text)
{
	if (watch->screen.n_lines > 0 && (stream == stderr || watch->is_output_terminal)) {
		str_add(&watch->above, text);
		return;
	}
	(void)fputs(text, stream);
	(void)fflush(stream);
}

/* ---- paths ---- */

static struct watched *find(struct watch *watch, const char *path)
{
	for (size_t i = 0; i < watch->n_paths; i++)
		if (strcmp(watch->paths[i].path, path) == 0)
			return &watch->paths[i];
	return NULL;
}

void watch_start(struct watch *watch, const char *path, uint64_t nar_bytes, int64_t now_us)
{
	struct watched *watched;

	array_reserve(&watch->paths, &watch->capacity, watch->n_paths + 1, sizeof *watch->paths);
	watched = &watch->paths[watch->n_paths++];
	*watched = (struct watched){ .path = path, .nar_bytes = nar_bytes };
	pace_begin(&watched->nar, now_us);
	pace_begin(&watched->file, now_us);
}

void watch_progress(struct watch *watch, const char *path, uint64_t nar_bytes, uint64_t file_bytes,
	int64_t now_us)
{
	struct watched *watched = find(watch, path);

	if (watched == NULL)
		return;
	watched->nar_done = nar_bytes;
	watched->file_done = file_bytes;
	pace_note(&watched->nar, now_us, nar_bytes);
	pace_note(&watched->file, now_us, file_bytes);
}

/* The others keep their order, and so their places on the screen. */
void watch_end(struct watch *watch, const char *path, uint64_t file_bytes)
{
	struct watched *watched = find(watch, path);

	if (watched == NULL)
		return;
	watch->ended_file_bytes += file_bytes;
	memmove(watched, watched + 1,
		(size_t)(watch->paths + watch->n_paths - (watched + 1)) * sizeof *watched);
	watch->n_paths--;
}

/* ---- drawing ---- */

static struct bar bar_of(const struct watched *path)
{
	return (struct bar){
		.name = store_path_name(path->path),
		.done = path->nar_done,
		.size = path->nar_bytes,
		.rate = pace_rate(&path->file),
		.left_ms = pace_left_ms(&path->nar, path->nar_bytes - path->nar_done),
	};
}

/* What goes over the wire tells the rate; how much of the NARs is read, what is left. */
static struct bar total_of(struct watch *watch, const char *name, uint64_t nar_done,
	uint64_t nar_bytes, int64_t now_us)
{
	uint64_t file_bytes = watch->ended_file_bytes;

	for (size_t i = 0; i < watch->n_paths; i++)
		file_bytes += watch->paths[i].file_done;
	pace_note(&watch->nar, now_us, nar_done);
	pace_note(&watch->file, now_us, file_bytes);
	return (struct bar){
		.name = name,
		.done = nar_done,
		.size = nar_bytes,
		.rate = pace_rate(&watch->file),
		.left_ms =
			pace_left_ms(&watch->nar, nar_bytes > nar_done ? nar_bytes - nar_done : 0),
	};
}

void watch_draw(struct watch *watch, size_t n_done, size_t n_paths, uint64_t nar_done,
	uint64_t nar_bytes, int64_t now_us)
{
	cleanup_free struct bar *bars = xcalloc(watch->n_paths, sizeof *bars);
	cleanup_free char *name = str_format("%zu of %zu paths", n_done, n_paths);
	cleanup_str struct str block = { 0 };
	struct bars_view view = { .has_colour = watch->has_colour };
	struct bar total = total_of(watch, name, nar_done, nar_bytes, now_us);

	if (!watch->is_drawn)
		return;
	for (size_t i = 0; i < watch->n_paths; i++)
		bars[i] = bar_of(&watch->paths[i]);
	screen_size(watch->screen.fd, &view.width, &view.height);
	/* A line that reaches the last column wraps on some terminals, and a block as high as the
	 * screen scrolls. */
	view.width = view.width > 10 ? view.width - 1 : 10;
	view.height = view.height > 2 ? view.height - 1 : 1;
	bars_render(&view, bars, watch->n_paths, &total, &block);
	screen_draw(&watch->screen, str_text(&watch->above), str_text(&block));
	str_clear(&watch->above);
}

void watch_clear(struct watch *watch)
{
	if (watch->screen.n_lines > 0)
		screen_draw(&watch->screen, str_text(&watch->above), "");
	str_clear(&watch->above);
}

void watch_finish(struct watch *watch)
{
	watch_clear(watch);
	str_free(&watch->above);
	free(watch->paths);
	watch->paths = NULL;
	watch->n_paths = watch->capacity = 0;
}
