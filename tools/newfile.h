/*
 * newfile.h - files that get their name once they are whole
 *
 * Until then a file is "<name>.<16 hexadecimal digits>.tmp", with random
 * digits, since some file systems take a new file for a removed one that had
 * its name. It is locked, so that what a killed process left can be told and
 * removed.
 */
#ifndef SM_NEWFILE_H
#define SM_NEWFILE_H

#include <sys/types.h>

#define SM_NEWFILE_MAX 300

/*
 * Remove what killed processes left of `name`, which has no slash, in the
 * directory `dir`, and make such a file; its name there is in `tmp`.  The
 * descriptor, or -1 with errno.
 */
int sm_newfile_create(char tmp[SM_NEWFILE_MAX], int dir, const char *name,
		      mode_t mode);
void sm_newfile_sweep(int dir, const char *name);

#endif /* SM_NEWFILE_H */
