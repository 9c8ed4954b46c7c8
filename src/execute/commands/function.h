/* What execute needs of functions. */
#ifndef EXECUTE_COMMANDS_FUNCTION_H
#define EXECUTE_COMMANDS_FUNCTION_H

#include "execute/execute_private.h"

void functions_open(void);
/* Frees the libraries and their VM. */
void functions_close(void);

#endif
