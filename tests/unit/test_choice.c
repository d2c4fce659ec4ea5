/* Which paths are left out of a push, and why. */
#include "tests/support/cmocka_all.h"

#include <string.h>

#include "lib/hash.h"
#include "lib/mem.h"
#include "lib/store_path.h"
#include "push/choice.h"
#include "push/path_info.h"

/* A path and its signature by the key whose
 * seed is 00 01 .. 1f, and `nix store sign` of Nix 2.8 gives the same. */
#define PUBLIC "A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg="
#define SIGNATURE                                                                                  \
	"swQkTClCIcjiyWTY9ETZxDYUUF5u2iPbII/S0I5o1eU5JSJVCLG6nJ0vcpeuFxFjr+YtsJQq8ZV5/EgPKExICA=="
#define OTHER_SIGNATURE                                                                            \
	"AAQkTClCIcjiyWTY9ETZxDYUUF5u2iPbII/S0I5o1eU5JSJVCLG6nJ0vcpeuFxFjr+YtsJQq8ZV5/EgPKExICA=="

static char *references[] = { (char *)"/nix/store/4cbmca7191r2j87ddsg8f5m9sv2sjjyp-proof-leaf" };

static struct path_info proof(const char *signature)
{
	static char *signatures[2];
	struct path_info info = {
		.path = (char *)"/nix/store/crhd86h7cldlfz66irwwwa7c1ci0xyax-proof-mid",
		.is_valid = true,
		.nar_size = 704,
		.references = references,
		.n_references = 1,
		.signatures = signatures,
		.n_signatures = 2,
	};

	signatures[0] = (char *)"other-1:AAAA";
	signatures[1] = (char *)signature;
	assert_true(nix32_decode(
		"0qmgspb2xgsbrs9qz2hbsyg9qa8w649x9i44mby1rdq2q429nszs", info.nar_hash, SHA256_LEN));
	return info;
}

static void by_signature(void **state)
{
	static const struct {
		const char *key, *signature;
		const char *signer; /* NULL: nobody that we trust. */
	} cases[] = {
		/* By its name alone, and nothing but the whole name. */
		{ "mine-1", "mine-1:" OTHER_SIGNATURE, "mine-1" },
		{ "mine-1", "mine-1", NULL },
		{ "mine-1", "mine-10:" SIGNATURE, NULL },
		{ "mine-10", "mine-1:" SIGNATURE, NULL },
		/* By the signature. */
		{ "mine-1:" PUBLIC, "mine-1:" SIGNATURE, "mine-1" },
		{ "mine-1:" PUBLIC, "yours-1:" SIGNATURE, NULL },
		{ "mine-1:" PUBLIC, "mine-1:" OTHER_SIGNATURE, NULL },
		{ "mine-1:" PUBLIC, "mine-1:AAAA", NULL },
		{ "mine-1:" PUBLIC, "mine-1:", NULL },
		{ "mine-1:" PUBLIC, "mine-1:never base 64", NULL },
		{ "other-1", "mine-1:" SIGNATURE, "other-1" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct path_info info = proof(cases[i].signature);
		struct trust trust = { 0 };
		const char *signer;

		assert_int_equal(trust_add(&trust, "unused-1", NULL), 0);
		assert_int_equal(trust_add(&trust, cases[i].key, NULL), 0);
		signer = trust_signer(&trust, &info);
		if ((signer == NULL) != (cases[i].signer == NULL) ||
			(signer != NULL && strcmp(signer, cases[i].signer) != 0))
			fail_msg("%s, %s: %s", cases[i].key, cases[i].signature, signer);
		trust_free(&trust);
	}
}

/* A signature is one of the path as it is: of another size it says nothing. */
static void a_signature_of_something_else(void **state)
{
	struct path_info info = proof("mine-1:" SIGNATURE);
	struct trust trust = { 0 };

	(void)state;
	info.nar_size++;
	assert_int_equal(trust_add(&trust, "mine-1:" PUBLIC, NULL), 0);
	assert_null(trust_signer(&trust, &info));
	trust_free(&trust);
}

static void what_is_no_key(void **state)
{
	static const char *const cases[] = { "", ":", ":" PUBLIC, "mine-1:", "mine-1:AAAA",
		"mine-1:" PUBLIC "A", "mine-1:" SIGNATURE };
	struct trust trust = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(trust_add(&trust, cases[i], NULL), CAPQ_EINVAL);
	assert_int_equal(trust.n, 0);
	trust_free(&trust);
}

static void rules(void **state)
{
	static const struct {
		const char *skip[3];
		uint64_t max_nar_size;
		const char *upstream;
		enum choice choice;
		const char *why;
	} cases[] = {
		{ { NULL }, 0, "else-1", CHOICE_TAKE, "" },
		{ { "proof-mid" }, 0, "else-1", CHOICE_NAME, "its name matches proof-mid" },
		{ { "no", "*-m?d" }, 0, "else-1", CHOICE_NAME, "its name matches *-m?d" },
		{ { "proof" }, 0, "else-1", CHOICE_TAKE, "" }, /* The whole name or nothing. */
		{ { "crhd86*" }, 0, "else-1", CHOICE_TAKE, "" },
		{ { NULL }, 704, "else-1", CHOICE_TAKE, "" },
		{ { NULL }, 703, "else-1", CHOICE_SIZE, "its NAR has 704 B, more than 703" },
		{ { NULL }, 0, "mine-1", CHOICE_UPSTREAM, "signed by mine-1" },
		/* The first that holds says why. */
		{ { "*" }, 1, "mine-1", CHOICE_NAME, "its name matches *" },
		{ { NULL }, 1, "mine-1", CHOICE_SIZE, "its NAR has 704 B, more than 1" },
	};
	struct path_info info = proof("mine-1:" SIGNATURE);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct choice_rules r = { .max_nar_size = cases[i].max_nar_size };
		char why[200];

		for (const char *const *skip = cases[i].skip; *skip != NULL; skip++) {
			array_reserve(&r.skip, &r.skip_capacity, r.n_skip + 1, sizeof *r.skip);
			r.skip[r.n_skip++] = *skip;
		}
		assert_int_equal(trust_add(&r.upstream, cases[i].upstream, NULL), 0);
		assert_int_equal(choice_of(&r, &info), cases[i].choice);
		choice_describe(&r, &info, cases[i].choice, why, sizeof why);
		assert_string_equal(why, cases[i].why);
		choice_rules_free(&r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(by_signature),
		cmocka_unit_test(a_signature_of_something_else),
		cmocka_unit_test(what_is_no_key),
		cmocka_unit_test(rules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
