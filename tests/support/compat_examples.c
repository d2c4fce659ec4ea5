#include "tests/support/compat_examples.h"

#include "lib/mem.h"

const struct compat_example compat_examples[] = {
	/* A100: neither of two that look near may be handed out. */
	{ "8.0", NULL, NULL,
		{ { "7.5+PTX", TIER_JIT, "PTX JIT from compute_75" },
			{ "8.6", TIER_NO, "sm_86 is newer than the device" } } },
	{ "8.0", NULL, NULL,
		{ { "8.0", TIER_EXACT, "exact SASS sm_80" },
			{ "7.5,8.0,8.6,9.0+PTX", TIER_EXACT, "exact SASS sm_80" },
			{ "7.5+PTX", TIER_JIT, "PTX JIT from compute_75" } } },
	{ "8.0", NULL, NULL,
		{ { "8.6+PTX", TIER_NO,
			  "sm_86 is newer than the device; PTX compute_86 is newer than the "
			  "device" },
			{ "8.9+PTX", TIER_NO,
				"sm_89 is newer than the device; PTX compute_89 is newer "
				"than the device" } } },
	/* RTX 3090. */
	{ "8.6", NULL, NULL,
		{ { "8.0", TIER_SAME_MAJOR, "same-major SASS sm_80" },
			{ "8.0+PTX", TIER_SAME_MAJOR, "same-major SASS sm_80" },
			{ "7.5+PTX", TIER_JIT, "PTX JIT from compute_75" } } },
	/* RTX 4090. */
	{ "8.9", NULL, NULL,
		{ { "8.6", TIER_SAME_MAJOR, "same-major SASS sm_86" },
			{ "8.0+PTX", TIER_SAME_MAJOR, "same-major SASS sm_80" },
			{ "9.0", TIER_NO, "sm_90 is another major version" },
			{ "8.7", TIER_NO,
				"sm_87: no binary compatibility between Tegra and other "
				"devices" } } },
	/* Jetson Orin. */
	{ "8.7", NULL, NULL,
		{ { "8.0+PTX", TIER_JIT, "PTX JIT from compute_80" },
			{ "8.6", TIER_NO,
				"sm_86: no binary compatibility between Tegra and other "
				"devices" } } },
	/* T4. */
	{ "7.5", NULL, NULL,
		{ { "7.0", TIER_SAME_MAJOR, "same-major SASS sm_70" },
			{ "6.1+PTX", TIER_JIT, "PTX JIT from compute_61" },
			{ "7.2", TIER_NO,
				"sm_72: no binary compatibility between Tegra and other "
				"devices" } } },
	/* H100. */
	{ "9.0", NULL, NULL,
		{ { "9.0", TIER_EXACT, "exact SASS sm_90" },
			{ "9.0a", TIER_EXACT, "exact SASS sm_90a" },
			{ "8.9+PTX", TIER_JIT, "PTX JIT from compute_89" } } },
	/* B200, and a default set that ends in 9.0a. */
	{ "10.0", NULL, NULL,
		{ { "9.0+PTX", TIER_JIT, "PTX JIT from compute_90" },
			{ "6.0,7.0,8.0,9.0,9.0a+PTX", TIER_NO,
				"sm_60 is another major version; sm_70 is another major version; "
				"sm_80 is another major version; sm_90 is another major version; "
				"sm_90a runs on 9.0 only; PTX compute_90a is not forward "
				"compatible" } } },
	{ "10.0", NULL, NULL,
		{ { "10.0f", TIER_EXACT, "exact SASS sm_100f" },
			{ "10.3", TIER_NO, "sm_103 is newer than the device" },
			{ "12.0+PTX", TIER_NO,
				"sm_120 is another major version; PTX compute_120 is newer "
				"than the device" } } },
	/* B300. */
	{ "10.3", NULL, NULL,
		{ { "10.0", TIER_SAME_MAJOR, "same-major SASS sm_100" },
			{ "10.0f", TIER_SAME_MAJOR, "same-major SASS sm_100f" },
			{ "10.0a", TIER_NO, "sm_100a runs on 10.0 only" },
			{ "12.0", TIER_NO, "sm_120 is another major version" } } },
	/* RTX 5090. */
	{ "12.0", NULL, NULL,
		{ { "9.0+PTX", TIER_JIT, "PTX JIT from compute_90" },
			{ "10.0f+PTX", TIER_NO,
				"sm_100f runs in its family at equal or higher minor only; "
				"PTX compute_100f stays in its family" },
			{ "12.1", TIER_NO, "sm_121 is newer than the device" } } },
	/* DGX Spark. */
	{ "12.1", NULL, NULL,
		{ { "12.1a", TIER_EXACT, "exact SASS sm_121a" },
			{ "12.0", TIER_SAME_MAJOR, "same-major SASS sm_120" },
			{ "12.0f", TIER_SAME_MAJOR, "same-major SASS sm_120f" },
			{ "12.0a", TIER_NO, "sm_120a runs on 12.0 only" } } },
	/* Jetson Thor. */
	{ "11.0", NULL, NULL,
		{ { "11.0", TIER_EXACT, "exact SASS sm_110" },
			{ "10.1", TIER_EXACT, "exact SASS sm_101" },
			{ "8.7+PTX", TIER_JIT, "PTX JIT from compute_87" },
			{ "10.0f", TIER_NO,
				"sm_100f runs in its family at equal or higher minor only" } } },
	/* V100, and the default set of CUDA 12.6. */
	{ "7.0", NULL, NULL,
		{ { "6.1+PTX", TIER_JIT, "PTX JIT from compute_61" },
			{ "7.5,8.0,8.6,8.9,9.0+PTX", TIER_NO,
				"sm_75 is newer than the device; sm_80 is another major version; "
				"sm_86 is another major version; sm_89 is another major version; "
				"sm_90 is another major version; PTX compute_90 is newer than the "
				"device" } } },
	/* GTX 1080. */
	{ "6.1", NULL, NULL,
		{ { "6.0", TIER_SAME_MAJOR, "same-major SASS sm_60" },
			{ "5.2+PTX", TIER_JIT, "PTX JIT from compute_52" },
			{ "6.2", TIER_NO,
				"sm_62: no binary compatibility between Tegra and other "
				"devices" } } },
	/* L4, PTX too new for its driver. */
	{ "8.9", "12.4", "12.8",
		{ { "8.0+PTX", TIER_SAME_MAJOR, "same-major SASS sm_80" },
			{ "7.5+PTX", TIER_NO,
				"sm_75 is another major version; PTX made by CUDA 12.8 is too new "
				"for a driver of CUDA 12.4" } } },
	/* A100 with a driver of CUDA 12, code of CUDA 13. */
	{ "8.0", "12.8", "13.0",
		{ { "8.0", TIER_NO, "driver is of an older CUDA major version" } } },
	{ "8.9", "12.8", "13.0",
		{ { "8.0,8.6+PTX", TIER_NO,
			"driver is of an older CUDA major version; PTX made by CUDA 13.0 is too "
			"new for a driver of CUDA 12.8" } } },
	{ "8.0", "13.0", "12.8", { { "8.0", TIER_EXACT, "exact SASS sm_80" } } },
	{ "8.0", NULL, "13.0", { { "8.0", TIER_EXACT, "exact SASS sm_80" } } },
	{ "8.0", "12.8", NULL, { { "8.0", TIER_EXACT, "exact SASS sm_80" } } },
	/* PTX that follows the order in which a user wrote the list. */
	{ "10.3", NULL, NULL,
		{ { "8.0,10.0 ptx 8.0", TIER_SAME_MAJOR, "same-major SASS sm_100" },
			{ "8.0 ptx 8.0", TIER_JIT, "PTX JIT from compute_80" } } },
	/* The closest is first, and then the smallest; as given when they are alike. */
	{ "8.9", NULL, NULL,
		{ { "8.6", TIER_SAME_MAJOR, "same-major SASS sm_86" },
			{ "7.5,8.6", TIER_SAME_MAJOR, "same-major SASS sm_86" },
			{ "8.6,9.0", TIER_SAME_MAJOR, "same-major SASS sm_86" },
			{ "8.0", TIER_SAME_MAJOR, "same-major SASS sm_80" } } },
	{ "12.0", NULL, NULL,
		{ { "9.0+PTX", TIER_JIT, "PTX JIT from compute_90" },
			{ "8.0+PTX", TIER_JIT, "PTX JIT from compute_80" },
			{ "7.5,8.0+PTX", TIER_JIT, "PTX JIT from compute_80" },
			{ "7.5+PTX", TIER_JIT, "PTX JIT from compute_75" } } },
};

const size_t n_compat_examples = ARRAY_LEN(compat_examples);
