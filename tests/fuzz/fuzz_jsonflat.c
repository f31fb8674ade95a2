/*
 * libFuzzer target: jsonflat against jansson.  A document is accepted by both
 * or by none, as far as it lies within the narrowed grammar, and the values
 * are the same.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "jsonflat.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
fuzz_is_index(const char *s)
{
	size_t n = strlen(s);

	return n > 0 && strspn(s, "0123456789") == n && (n == 1 || *s != '0') &&
	       (n < 20 || (n == 20 && strcmp(s, "18446744073709551614") <= 0));
}

static bool
fuzz_is_flat_value(const json_t *v)
{
	return json_is_string(v) || json_is_integer(v);
}

/* Within the grammar that jsonflat narrows JSON to? */
static bool
fuzz_is_narrow(json_t *root)
{
	const char *key;
	json_t *v;
	size_t i;

	if (json_is_object(root)) {
		json_object_foreach(root, key,
				    v) if (!fuzz_is_index(key) ||
					   !fuzz_is_flat_value(v)) return false;
		return true;
	}
	json_array_foreach(root, i, v) if (!fuzz_is_flat_value(v)) return false;
	return json_is_array(root);
}

static void
fuzz_compare(json_t *root, const struct sm_jsonflat_entry *e)
{
	char key[24];
	json_t *v;

	snprintf(key, sizeof(key), "%" PRIu64, e->index);
	v = json_is_object(root) ? json_object_get(root, key)
				 : json_array_get(root, e->index);
	if (!v || e->is_string != json_is_string(v))
		abort();
	if (e->is_string) {
		if (json_string_length(v) != e->len ||
		    memcmp(json_string_value(v), e->text, e->len) != 0)
			abort();
	} else {
		char digits[32] = "";

		if (e->len >= sizeof(digits))
			abort();
		memcpy(digits, e->text, e->len);
		if (strtoll(digits, NULL, 10) != json_integer_value(v))
			abort();
	}
}

/*
 * Go through the document; with `root`, compare.  Returns the number of
 * entries, or <0.
 */
static long
fuzz_walk(const uint8_t *data, size_t size, json_t *root)
{
	struct sm_map map = { .data = data, .size = size, .path = "fuzz" };
	struct sm_jsonflat_entry e;
	struct sm_err err = { 0 };
	struct sm_jsonflat j;
	long n = 0;
	int ret;

	sm_jsonflat_init(&j, &map);
	while ((ret = sm_jsonflat_next(&j, &e, &err)) > 0) {
		if (root)
			fuzz_compare(root, &e);
		n++;
	}
	if (ret < 0 && (ret != err.code || !*err.text))
		abort();
	sm_jsonflat_release(&j);
	return ret < 0 ? ret : n;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	long n = fuzz_walk(data, size, NULL);
	json_error_t error;
	json_t *root;

	/* No JSON has a NUL byte, though jansson drops one after a number. */
	if (memchr(data, 0, size)) {
		if (n >= 0)
			abort();
		return 0;
	}
	root = json_loadb((const char *)data, size,
			  JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, &error);
	/* 64 bits are jansson's limit; an index twice is the table's error. */
	if (!root && (json_error_code(&error) == json_error_numeric_overflow ||
		      json_error_code(&error) == json_error_duplicate_key))
		return 0;
	if ((root && fuzz_is_narrow(root)) != (n >= 0))
		abort();
	if (n >= 0)
		fuzz_walk(data, size, root);
	json_decref(root);
	return 0;
}
