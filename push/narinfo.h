/* The narinfo of a store path, as it stands in a plain HTTP binary cache. Pure. */
#ifndef CAPQ_PUSH_NARINFO_H
#define CAPQ_PUSH_NARINFO_H

#include "lib/str.h"

struct question_complete;

/* Append the lines of `question`'s path: what Nix's NarInfo::to_string() writes, a signature of
 * ours and then those that Nix has (each once). `question->file_name` is where the file is. */
void narinfo_add(const struct question_complete *question, struct str *out);

#endif
