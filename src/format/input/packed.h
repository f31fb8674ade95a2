/*
 * packed.h - is an input a file of another format?
 */
#ifndef SM_PACKED_H
#define SM_PACKED_H

#include "file.h"

/* What is wanted in its place, for the line that converts it. */
enum sm_packed_for { SM_PACKED_TEXT, SM_PACKED_TABLE, SM_PACKED_ARRAY };

/*
 * SM_EINPUT, with the tool that unpacks it or the line that converts it, if
 * `map` begins as one does.
 */
int sm_packed_refuse(const struct sm_map *map, enum sm_packed_for what,
		     struct sm_err *err);

#define SM_SHOWN_MAX 256

/* `path` for use in a command line, or FILE if it needs quoting there. */
void sm_packed_shown(char text[SM_SHOWN_MAX], const char *path);

#define SM_LOAD_MAX (2 * SM_SHOWN_MAX + 64)

/*
 * The Python that loads an array from a file or an archive's member, with these
 * further arguments.
 */
void sm_packed_load(char text[SM_LOAD_MAX], const char *path,
		    const char *arguments);

#endif /* SM_PACKED_H */
