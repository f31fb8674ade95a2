/*
 * fold.h - messages that say the same, but for numbers and names
 */
#ifndef SM_FOLD_H
#define SM_FOLD_H

#define SM_FOLD_MAX 256

/*
 * `text` with each number as N and each quoted name as '*', cut to what there
 * is room for; "" for NULL.  A number after "status" or "signal" stays: it is
 * what the message is about.
 */
void sm_fold(char dst[SM_FOLD_MAX], const char *text);

#endif /* SM_FOLD_H */
