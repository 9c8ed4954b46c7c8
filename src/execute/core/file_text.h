/*
 * Small files of text, read whole and replaced whole: the configuration, the users.
 */
#ifndef EXECUTE_CORE_FILE_TEXT_H
#define EXECUTE_CORE_FILE_TEXT_H

#include "execute/execute_private.h"

#include "base/bytes.h"

#include <sys/stat.h>

/*
 * Reads the file. 0 with memory of malloc() in *text, or -errno: a file that is no regular one
 * gives -EINVAL, one that grows meanwhile -EAGAIN. *st says whose it is.
 */
int file_text_read(const char *path, char **text, size_t *len, struct stat *st);

/*
 * Replaces the file by way of a new one beside it, which is on disk before it takes the name. A
 * link stays one: what it leads to is replaced. The file gets mode and owner of `st`; the owner
 * where that is allowed, which it is for root only. 0 or -errno.
 */
int file_text_replace(const char *path, struct bytes text, const struct stat *st);

#endif
