/*
 * failing_tree.h - copy, remove and look through small directory trees
 *
 * Without processes of their own: test_failing does it some thousand times.
 */
#ifndef FAILING_TREE_H
#define FAILING_TREE_H

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static inline int
tree_remove_one(const char *path, const struct stat *st, int type,
		struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static inline void
tree_remove(const char *path)
{
	nftw(path, tree_remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* With the times of files: a job knows its inputs by them. */
static inline void
tree_copy_file(const char *from, const char *to, const struct stat *st)
{
	struct timespec times[2] = { st->st_atim, st->st_mtim };
	char data[1 << 16];
	int in = open(from, O_RDONLY), out = open(to, O_WRONLY | O_CREAT, 0644);
	ssize_t n;

	assert_true(in >= 0 && out >= 0);
	while ((n = read(in, data, sizeof(data))) > 0)
		assert_int_equal(write(out, data, (size_t)n), n);
	assert_int_equal(n, 0);
	assert_int_equal(futimens(out, times), 0);
	close(in);
	close(out);
}

static inline void
tree_copy_link(const char *from, const char *to)
{
	char text[256];
	ssize_t n = readlink(from, text, sizeof(text) - 1);

	assert_true(n > 0);
	text[n] = '\0';
	assert_int_equal(symlink(text, to), 0);
}

static inline void
tree_copy(const char *from, const char *to)
{
	char a[512], b[512];
	DIR *d = opendir(from);
	struct dirent *e;
	struct stat st;

	assert_int_equal(mkdir(to, 0755), 0);
	assert_non_null(d);
	while ((e = readdir(d))) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		assert_true(snprintf(a, sizeof(a), "%s/%s", from, e->d_name) <
				    (int)sizeof(a) &&
			    snprintf(b, sizeof(b), "%s/%s", to, e->d_name) <
				    (int)sizeof(b));
		assert_int_equal(lstat(a, &st), 0);
		if (S_ISDIR(st.st_mode))
			tree_copy(a, b);
		else if (S_ISLNK(st.st_mode))
			tree_copy_link(a, b);
		else if (S_ISSOCK(st.st_mode))
			assert_int_equal(mknod(b, st.st_mode, 0), 0);
		else
			tree_copy_file(a, b, &st);
	}
	closedir(d);
}

static char tree_left[256];

static inline int
tree_look_one(const char *path, const struct stat *st, int type,
	      struct FTW *ftw)
{
	const char *name = path + ftw->base, *dot = strrchr(name, '.');

	(void)st;
	(void)type;
	if ((dot && strcmp(dot, ".tmp") == 0) || strstr(name, ".part"))
		snprintf(tree_left, sizeof(tree_left), "%s", path);
	return 0;
}

/* A file under `path` that nobody should have left there, or NULL. */
static inline const char *
tree_leftover(const char *path)
{
	tree_left[0] = '\0';
	nftw(path, tree_look_one, 8, FTW_PHYS);
	return tree_left[0] ? tree_left : NULL;
}

#endif /* FAILING_TREE_H */
