#include "lib/store_path.h"

#include <ctype.h>
#include <string.h>

/* No e, o, t, u: Nix leaves them out to avoid offending words. */
static const char alphabet[] = "0123456789abcdfghijklmnpqrsvwxyz";

#define PREFIX_LEN (sizeof STORE_DIR) /* With the slash in place of the NUL. */
#define NAME_MAX_BYTES 211

static bool is_name_char(char c)
{
	return isalnum((unsigned char)c) || (c != '\0' && strchr("+-._?=", c) != NULL);
}

static bool is_name(const char *name, size_t len)
{
	size_t dots = 0;

	if (len == 0 || len > NAME_MAX_BYTES)
		return false;
	for (size_t i = 0; i < len; i++)
		if (!is_name_char(name[i]))
			return false;
	while (dots < len && name[dots] == '.')
		dots++;
	/* ".", "..", ".-x" and "..-x" could be taken for folders. */
	return dots == 0 || dots > 2 || (dots < len && name[dots] != '-');
}

bool store_path_is_valid(const char *path, size_t len)
{
	const char *hash;

	if (len < PREFIX_LEN + STORE_HASH_LEN + 1 || memcmp(path, STORE_DIR "/", PREFIX_LEN) != 0)
		return false;
	hash = path + PREFIX_LEN;
	for (size_t i = 0; i < STORE_HASH_LEN; i++)
		if (hash[i] == '\0' || strchr(alphabet, hash[i]) == NULL)
			return false;
	return hash[STORE_HASH_LEN] == '-' &&
	       is_name(hash + STORE_HASH_LEN + 1, len - PREFIX_LEN - STORE_HASH_LEN - 1);
}

const char *store_path_base(const char *path)
{
	return path + PREFIX_LEN;
}

const char *store_path_name(const char *path)
{
	return path + PREFIX_LEN + STORE_HASH_LEN + 1;
}

bool store_path_is_drv(const char *path)
{
	size_t len = strlen(path);

	return store_path_is_valid(path, len) && len > 4 && strcmp(path + len - 4, ".drv") == 0;
}

static bool begins_version(const char *text)
{
	return text[0] == '-' && text[1] != '\0' && !isalpha((unsigned char)text[1]);
}

void store_path_package(const char *name, char *out, size_t size)
{
	size_t len = 0;

	while (name[len] != '\0' && !begins_version(name + len))
		len++;
	if (name[len] == '\0' && len > 4 && strcmp(name + len - 4, ".drv") == 0)
		len -= 4;
	if (len >= size)
		len = size - 1;
	memcpy(out, name, len);
	out[len] = '\0';
}

void nix32_encode(const unsigned char *bytes, size_t len, char *out)
{
	for (size_t n = NIX32_LEN(len); n-- > 0;) {
		size_t bit = 5 * n, i = bit / 8, shift = bit % 8;
		unsigned value = (unsigned)bytes[i] >> shift;

		if (i + 1 < len)
			value |= (unsigned)bytes[i + 1] << (8 - shift);
		*out++ = alphabet[value & 31];
	}
	*out = '\0';
}

bool nix32_decode(const char *text, unsigned char *out, size_t len)
{
	size_t chars = NIX32_LEN(len);

	memset(out, 0, len);
	for (size_t n = 0; n < chars; n++) {
		char c = text[chars - n - 1];
		const char *at = c == '\0' ? NULL : strchr(alphabet, c);
		size_t bit = 5 * n, i = bit / 8, shift = bit % 8;
		unsigned value;

		if (at == NULL)
			return false;
		value = (unsigned)(at - alphabet) << shift;
		out[i] |= (unsigned char)value;
		if (i + 1 < len)
			out[i + 1] |= (unsigned char)(value >> 8);
		else if (value >> 8 != 0)
			return false;
	}
	return true;
}
