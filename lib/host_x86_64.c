#include "lib/host_code.h"

#include "lib/x86_64.h"

#define DISTANCE_SIZE 4

static uint64_t target(struct bytes code, uint64_t address, uint64_t at,
	const struct x86_64_instruction *instruction)
{
	int32_t distance = (int32_t)bytes_u32(code, at + instruction->distance_at);

	return address + at + instruction->length + (uint64_t)(int64_t)distance;
}

/* What points to no place in either way is data among code, or is never run. */
static bool same_target(const struct host_pair *pair, const struct host_section *s, uint64_t at,
	const struct x86_64_instruction *instruction)
{
	uint64_t a = target(s->a, s->address_a, at, instruction),
		 b = target(s->b, s->address_b, at, instruction);

	if (host_pair_same(pair, a, b))
		return true;
	return !host_pair_is_place(pair, a) &&
	       bytes_u32(s->a, at + instruction->distance_at) ==
		       bytes_u32(s->b, at + instruction->distance_at);
}

int host_compare_x86_64(
	const struct host_pair *pair, const struct host_section *section, struct err *err)
{
	uint64_t at = 0;

	while (at < section->a.size) {
		/* What is no instruction is data, and has no distance. */
		struct x86_64_instruction instruction = { .length = 1 };
		unsigned equal, behind;

		(void)x86_64_read(section->a, at, &instruction);
		equal = instruction.distance_at > 0 ? instruction.distance_at : instruction.length;
		behind = instruction.distance_at > 0 ? equal + DISTANCE_SIZE : equal;
		if (!host_pair_equal(pair, section, at, equal) ||
			!host_pair_equal(pair, section, at + behind, instruction.length - behind) ||
			(instruction.distance_at > 0 &&
				!same_target(pair, section, at, &instruction)))
			return host_pair_refuse(section, at, err);
		at += instruction.length;
	}
	return 0;
}
