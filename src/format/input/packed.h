/*
 * packed.h - is an input a compressed file?
 */
#ifndef SM_PACKED_H
#define SM_PACKED_H

#include "file.h"

/* SM_EINPUT, with the tool that unpacks it, if `map` begins as one does. */
int sm_packed_refuse(const struct sm_map *map, struct sm_err *err);

#endif /* SM_PACKED_H */
