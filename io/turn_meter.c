#include "io/turn_meter.h"

#include "lib/mem.h"

static void on_prepare(uv_prepare_t *prepare)
{
	struct turn_meter *meter = CONTAINER_OF(prepare, struct turn_meter, prepare);
	uint64_t now_ns = uv_hrtime(), idle_ns = uv_metrics_idle_time(prepare->loop);
	uint64_t took_ns = now_ns - meter->began_ns - (idle_ns - meter->idle_ns);

	if (meter->began_ns != 0 && took_ns > meter->longest_ns)
		meter->longest_ns = took_ns;
	meter->began_ns = now_ns;
	meter->idle_ns = idle_ns;
}

void turn_meter_start(struct turn_meter *meter, uv_loop_t *loop)
{
	*meter = (struct turn_meter){ 0 };
	(void)uv_loop_configure(loop, UV_METRICS_IDLE_TIME);
	uv_prepare_init(loop, &meter->prepare);
	uv_prepare_start(&meter->prepare, on_prepare);
	uv_unref((uv_handle_t *)&meter->prepare);
}

void turn_meter_stop(struct turn_meter *meter, uv_close_cb on_closed)
{
	uv_close((uv_handle_t *)&meter->prepare, on_closed);
}

double turn_meter_longest_ms(const struct turn_meter *meter)
{
	return (double)meter->longest_ns / 1e6;
}
