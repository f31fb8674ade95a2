/*
 * input_file.h - input files for tests, in a directory of their own
 *
 * The directory is made by the first input_dir() or input_path() and removed
 * by input_cleanup(); fit for one thread.
 */
#ifndef INPUT_FILE_H
#define INPUT_FILE_H

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char input_folder[] = "/tmp/shardmill-test.XXXXXX";
static int input_dirfd = -1;

static inline int
input_dir(void)
{
	if (input_dirfd < 0) {
		assert_non_null(mkdtemp(input_folder));
		input_dirfd = open(input_folder, O_RDONLY | O_DIRECTORY);
		assert_true(input_dirfd >= 0);
	}
	return input_dirfd;
}

static inline const char *
input_path(const char *name)
{
	static char path[512];

	input_dir();
	snprintf(path, sizeof(path), "%s/%s", input_folder, name);
	return path;
}

/* Write the file and return its path, valid until the next call. */
static inline const char *
input_file(const char *name, const void *data, size_t len)
{
	const char *path = input_path(name);
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
	return path;
}

static inline int
input_count(void)
{
	DIR *d = opendir(input_path("."));
	struct dirent *e;
	int n = 0;

	assert_non_null(d);
	while ((e = readdir(d)))
		n += e->d_name[0] != '.';
	closedir(d);
	return n;
}

static inline int
input_cleanup(void **state)
{
	DIR *d = opendir(input_path("."));
	struct dirent *e;

	(void)state;
	while (d && (e = readdir(d)))
		unlinkat(input_dirfd, e->d_name, 0);
	if (d)
		closedir(d);
	close(input_dirfd);
	input_dirfd = -1;
	return rmdir(input_folder);
}

#endif /* INPUT_FILE_H */
