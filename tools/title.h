/*
 * title.h - the name of the process, as ps and top show it
 */
#ifndef SM_TITLE_H
#define SM_TITLE_H

/*
 * From main(), before anything is started: the words and the environment, whose
 * memory the name takes, are copied.  Where that fails there is no name.
 */
void sm_title_init(int argc, char **argv);
/*
 * "shardmill: TEXT", and `worker` for `comm`, as "shardmill-w3".  What is too
 * long is cut; without an init nothing is done.
 */
void sm_title_set(const char *text, int worker);

#endif /* SM_TITLE_H */
