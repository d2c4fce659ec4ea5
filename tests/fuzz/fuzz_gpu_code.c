/* GPU code in files of any kind: nothing is read beyond the end, and what is found is consistent.
 */
#include "lib/gpu_code.h"
#include "tests/fuzz/fuzz.h"

#define MEMBERS_MAX 64

/* Members of a thin archive are the input itself without its first bytes: archives in archives too.
 */
struct members {
	struct bytes whole;
	size_t n_read;
};

static int read_member(void *owner, const char *name, struct bytes *out, struct err *err)
{
	struct members *members = owner;

	if (members->n_read++ == MEMBERS_MAX)
		return err_set(err, CAPQ_ETOOBIG, "enough");
	*out = bytes_from(members->whole, strlen(name));
	return 0;
}

static void check_set(const struct gpu_code *code, uint64_t set, uint64_t within)
{
	struct gpu_arch archs[GPU_ARCHS_MAX];
	size_t n = gpu_code_list(code, set, archs);

	CHECK((set & ~within) == 0);
	CHECK(code->n_archs == GPU_ARCHS_MAX || set >> code->n_archs == 0);
	for (size_t i = 1; i < n; i++)
		CHECK(archs[i - 1].number <= archs[i].number);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_free char *copy = fuzz_bytes(data, size);
	struct members members = { .whole = { (unsigned char *)copy, size } };
	const struct gpu_code_members reader = { read_member, &members };
	struct gpu_code code;
	struct err err = { 0 };

	if (gpu_code_read(members.whole, &reader, &code, &err) < 0) {
		CHECK(err.code == CAPQ_EINVAL || err.code == CAPQ_ETOOBIG);
		CHECK(err.text[0] != '\0');
	} else {
		check_set(&code, gpu_code_sass_in_all(&code), code.any.sass);
		check_set(&code, gpu_code_ptx_in_all(&code), code.any.ptx);
		check_set(&code, gpu_code_stub_only(&code), code.any.stubs);
		CHECK(gpu_code_is_there(&code) || code.n_units == 0);
	}
	gpu_code_finish(&code);
	return 0;
}
