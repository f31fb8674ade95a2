/*
 * put_file.h - files of a made-up /proc or control group
 *
 * After the standard headers, <cmocka.h> and `folder`, a static array with the
 * path in which they are.
 */
#ifndef PUT_FILE_H
#define PUT_FILE_H

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* A file in the folder, and the folders on the way. */
static inline void
put(const char *name, const char *text)
{
	char path[256], *slash;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	for (slash = path + strlen(folder) + 1; (slash = strchr(slash, '/'));
	     slash++) {
		*slash = '\0';
		mkdir(path, 0777);
		*slash = '/';
	}
	f = fopen(path, "we");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

#endif /* PUT_FILE_H */
