/* What is shown of an error's body. Pure.
 *
 * There are four kinds: plain text of the API, HTML of a proxy, problem+json of a CDN, S3's XML.
 * None can be relied on, and all may quote the request. */
#ifndef CAPQ_PUSH_EXCERPT_H
#define CAPQ_PUSH_EXCERPT_H

#include <stddef.h>

#include "lib/str.h"

#define EXCERPT_MAX 300 /* Bytes. */

/* Append the gist of `body` in one line: of JSON its title, detail, message and error, of XML its
 * Code and Message, of anything else the text without tags. No URL's query gets through. Appends
 * nothing when there is nothing to say. */
void excerpt_add(struct str *out, const char *body, size_t len);

#endif
