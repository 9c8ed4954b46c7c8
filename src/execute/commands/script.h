/* What execute needs of scripts. */
#ifndef EXECUTE_COMMANDS_SCRIPT_H
#define EXECUTE_COMMANDS_SCRIPT_H

#include "execute/execute_private.h"

void scripts_open(void);
/* Frees the scripts and their VM. */
void scripts_close(void);

#endif
