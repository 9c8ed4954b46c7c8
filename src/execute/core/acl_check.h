/*
 * What core/acl_check.c works out of the command table once. For core/acl.c.
 */
#ifndef EXECUTE_CORE_ACL_CHECK_H
#define EXECUTE_CORE_ACL_CHECK_H

#include "execute/execute_private.h"

void acl_check_open(void);

#endif
