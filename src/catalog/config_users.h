/*
 * The `user` lines of the configuration. boot notes them while it reads, execute makes users of
 * them at its start and forgets the lines then: they hold passwords.
 */
#ifndef CATALOG_CONFIG_USERS_H
#define CATALOG_CONFIG_USERS_H

#include "base/bytes.h"

/* A line's words behind "user": the name and the rules. */
struct config_user {
    struct bytes *words;
    uint32_t count;
};

/* Copies the words. No user may have two lines. */
void config_users_add(const struct bytes *words, uint32_t count);
uint32_t config_users_count(void);
const struct config_user *config_users_at(uint32_t i);
void config_users_forget(void);

#endif
