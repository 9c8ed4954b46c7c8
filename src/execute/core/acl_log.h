/*
 * ACL LOG: what users were denied lately, newest first. The same thing within a minute counts up
 * the entry that is there.
 */
#ifndef EXECUTE_CORE_ACL_LOG_H
#define EXECUTE_CORE_ACL_LOG_H

#include "execute/execute_private.h"

#include "base/bytes.h"
#include "execute/core/acl.h"

enum acl_reason { ACL_REASON_COMMAND, ACL_REASON_KEY, ACL_REASON_CHANNEL, ACL_REASON_AUTH };

struct acl_log_entry {
    struct acl_log_entry *older;
    uint64_t id, count;
    enum acl_reason reason;
    enum acl_context context;
    int64_t created_ms, updated_ms; /* wall */
    /* owned */
    struct bytes object; /* the command, key or channel; cut where it is long */
    struct bytes user;
    struct bytes client; /* the latest session, as CLIENT LIST shows it */
};

void acl_log_add(const struct session *s, enum acl_reason reason, enum acl_context context,
                 struct bytes user, struct bytes object);
const struct acl_log_entry *acl_log_first(void);
uint64_t acl_log_count(void);
void acl_log_clear(void);

#endif
