/* The lines are wiped before their memory is given back. */
#include "catalog/config_users.h"

#include "base/must.h"

#include <stdlib.h>

static struct config_user *users;
static uint32_t user_count;

void config_users_add(const struct bytes *words, uint32_t count)
{
    users = realloc(users, (user_count + 1) * sizeof *users);
    must(users != NULL);
    struct config_user *u = &users[user_count++];
    *u = (struct config_user){calloc(count, sizeof *u->words), count};
    must(u->words != NULL);
    for (uint32_t i = 0; i < count; i++) {
        char *copy = malloc(words[i].len + 1);
        must(copy != NULL);
        if (words[i].len > 0) memcpy(copy, words[i].ptr, words[i].len);
        copy[words[i].len] = '\0';
        u->words[i] = bytes_make(copy, words[i].len);
    }
}

uint32_t config_users_count(void) { return user_count; }

const struct config_user *config_users_at(uint32_t i)
{
    dcheck(i < user_count);
    return &users[i];
}

void config_users_forget(void)
{
    for (uint32_t i = 0; i < user_count; i++) {
        for (uint32_t w = 0; w < users[i].count; w++) {
            char *word = (char *)(uintptr_t)users[i].words[w].ptr;
            explicit_bzero(word, users[i].words[w].len);
            free(word);
        }
        free(users[i].words);
    }
    free(users);
    users = NULL;
    user_count = 0;
}
