#include "push/question.h"

#include <string.h>

#include "lib/json.h"
#include "lib/mem.h"
#include "lib/store_path.h"
#include "push/path_info.h"
#include "push/pin.h"

void question_missing(const char *const *hashes, size_t n, struct str *out)
{
	struct json_out json = { .text = *out };

	json_out_array(&json, NULL);
	for (size_t i = 0; i < n; i++)
		json_out_bytes(&json, NULL, hashes[i], STORE_HASH_LEN);
	json_out_end_array(&json);
	*out = json.text;
}

void question_presign(const char *md5, struct str *out)
{
	struct json_out json = { .text = *out };

	json_out_object(&json, NULL);
	json_out_text(&json, "contentMD5", md5);
	json_out_end_object(&json);
	*out = json.text;
}

/* A sum type in the spelling of Haskell's aeson: {"tag": ..., "contents": ...}. */
static void add_keep(struct json_out *json, const struct pin_keep *keep)
{
	static const char *const tags[] = {
		[PIN_DAYS] = "Days", [PIN_REVISIONS] = "Revisions", [PIN_FOREVER] = "Forever"
	};

	if (keep->rule == PIN_DEFAULT) {
		json_out_null(json, "keep");
		return;
	}
	json_out_object(json, "keep");
	json_out_text(json, "tag", tags[keep->rule]);
	if (keep->rule != PIN_FOREVER)
		json_out_int(json, "contents", keep->n);
	json_out_end_object(json);
}

void question_pin(const char *name, const char *path, const struct pin_keep *keep, struct str *out)
{
	struct json_out json = { .text = *out };

	json_out_object(&json, NULL);
	json_out_text(&json, "name", name);
	json_out_text(&json, "storePath", path);
	json_out_array(&json, "artifacts");
	json_out_end_array(&json);
	add_keep(&json, keep);
	json_out_end_object(&json);
	*out = json.text;
}

static void add_parts(struct json_out *json, const struct question_complete *question)
{
	json_out_array(json, "parts");
	for (size_t i = 0; i < question->n_parts; i++) {
		json_out_object(json, NULL);
		json_out_int(json, "partNumber", (int64_t)i + 1);
		json_out_text(json, "eTag", question->etags[i]);
		json_out_end_object(json);
	}
	json_out_end_array(json);
}

/* Every field has its own spelling: hashes as Nix's base 32 with a prefix or as bare hexadecimal
 * digits, paths as base names, and a deriver that is not known as a word. */
static void add_narinfo(struct json_out *json, const struct question_complete *question)
{
	const struct path_info *info = question->info;
	const char *deriver =
		info->deriver == NULL ? "unknown-deriver" : store_path_base(info->deriver);
	char nar_hash[NIX32_LEN(SHA256_LEN) + 1], file_hash[SHA256_HEX_LEN + 1];
	cleanup_str struct str prefixed = { 0 };

	nix32_encode(info->nar_hash, SHA256_LEN, nar_hash);
	str_addf(&prefixed, "sha256:%s", nar_hash);
	hex_encode(question->file_hash, SHA256_LEN, file_hash);
	json_out_object(json, "narInfoCreate");
	json_out_bytes(json, "cStoreHash", store_path_base(info->path), STORE_HASH_LEN);
	json_out_text(json, "cStoreSuffix", store_path_name(info->path));
	json_out_text(json, "cNarHash", str_text(&prefixed));
	json_out_int(json, "cNarSize", (int64_t)info->nar_size);
	json_out_text(json, "cFileHash", file_hash);
	json_out_int(json, "cFileSize", (int64_t)question->file_size);
	json_out_array(json, "cReferences");
	for (size_t i = 0; i < info->n_references; i++)
		json_out_text(json, NULL, store_path_base(info->references[i]));
	json_out_end_array(json);
	json_out_text(json, "cDeriver", deriver);
	json_out_text(json, "cSig", question->signature);
	json_out_end_object(json);
}

void question_complete(const struct question_complete *question, struct str *out)
{
	struct json_out json = { .text = *out };

	json_out_object(&json, NULL);
	add_parts(&json, question);
	add_narinfo(&json, question);
	json_out_end_object(&json);
	*out = json.text;
}
