#include "push/narinfo.h"

#include <inttypes.h>
#include <string.h>

#include "lib/store_path.h"
#include "push/path_info.h"
#include "push/question.h"

static void add_hash(struct str *out, const char *name, const unsigned char *hash)
{
	char text[NIX32_LEN(SHA256_LEN) + 1];

	nix32_encode(hash, SHA256_LEN, text);
	str_addf(out, "%s: sha256:%s\n", name, text);
}

static void add_references(struct str *out, const struct path_info *info)
{
	str_add(out, "References:");
	for (size_t i = 0; i < info->n_references; i++)
		str_addf(out, " %s", store_path_base(info->references[i]));
	if (info->n_references == 0)
		str_add_char(out, ' '); /* As Nix writes it: its reader wants the blank. */
	str_add_char(out, '\n');
}

static void add_signatures(struct str *out, const struct question_complete *question)
{
	const struct path_info *info = question->info;
	cleanup_str struct str ours = { 0 };

	if (question->signature != NULL) {
		str_addf(&ours, "%s:%s", question->key_name, question->signature);
		str_addf(out, "Sig: %s\n", str_text(&ours));
	}
	for (size_t i = 0; i < info->n_signatures; i++)
		if (strcmp(info->signatures[i], str_text(&ours)) != 0)
			str_addf(out, "Sig: %s\n", info->signatures[i]);
}

void narinfo_add(const struct question_complete *question, struct str *out)
{
	const struct path_info *info = question->info;

	str_addf(out, "StorePath: %s\n", info->path);
	str_addf(out, "URL: %s\n", question->file_name);
	str_addf(out, "Compression: %s\n", compress_names(question->method)->name);
	add_hash(out, "FileHash", question->file_hash);
	str_addf(out, "FileSize: %" PRIu64 "\n", question->file_size);
	add_hash(out, "NarHash", info->nar_hash);
	str_addf(out, "NarSize: %" PRIu64 "\n", info->nar_size);
	add_references(out, info);
	if (info->deriver != NULL)
		str_addf(out, "Deriver: %s\n", store_path_base(info->deriver));
	add_signatures(out, question);
	if (info->ca != NULL)
		str_addf(out, "CA: %s\n", info->ca);
}
