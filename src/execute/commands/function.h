/* What execute needs of functions. */
#ifndef EXECUTE_COMMANDS_FUNCTION_H
#define EXECUTE_COMMANDS_FUNCTION_H

#include "execute/execute_private.h"

#include "base/bytes.h"

void functions_open(void);
/* Frees the libraries and their VM. */
void functions_close(void);
/* The code of a library that a snapshot holds; `replaces` one of its name. NULL, or what is wrong;
 * good until the next call. */
const char *functions_add(struct bytes code, bool replaces);

#endif
