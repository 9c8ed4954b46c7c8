/*
 * Between core/acl.c and core/acl_file.c: the list of users as a whole.
 */
#ifndef EXECUTE_CORE_ACL_REGISTRY_H
#define EXECUTE_CORE_ACL_REGISTRY_H

#include "execute/execute_private.h"

#include "execute/core/acl.h"
#include "execute/core/acl_user.h"

/* Users in the order of name. */
struct acl_list {
    struct user **at;
    uint32_t count, max;
};

struct user *acl_list_find(const struct acl_list *l, struct bytes name);
/* Takes a user whose name is not there. */
void acl_list_add(struct acl_list *l, struct user *u);
/* Frees the users too. */
void acl_list_free(struct acl_list *l);

/* Takes these users, which may lack the default one, in place of those that are there: sessions of
 * all others but default end. Leaves `next` empty. */
void acl_replace_all(struct acl_list *next, struct session *current);

#endif
