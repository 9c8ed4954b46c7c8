/*
 * The check of the write gate, which debug builds have: a value that is changed behind the gate
 * stops the process when the snapshot comes to it, and all that goes through the gate does not.
 */
#include "unit/execute/snapshot_files.h"

#include "base/log.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

static char dir[] = "/tmp/baton-snapshot-XXXXXX";
static char temp[64], said[64];
static struct session *session;
static int over;

static int group_open(void **state)
{
    (void)state;
    setenv("BATON_SNAPSHOT_CHECK", "1", 1);
    assert_non_null(mkdtemp(dir));
    snprintf(temp, sizeof(temp), "%s/temp.rdb", dir);
    snprintf(said, sizeof(said), "%s/log", dir);
    return 0;
}

static int group_close(void **state)
{
    (void)state;
    return rmdir(dir);
}

static void is_over(int result) { over = result; }

static void save(void)
{
    while (over == 1) {
        snapshot_work(1000);
        files_work(10);
    }
}

/* A snapshot begins, the change is made, and the rest of it is written; gives how that ended. */
static int end_after(void (*change)(void))
{
    int status;
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        const struct snapshot_terms t = {
            .version = RDB_VERSION_7_2, .has_checksum = true, .path = temp, .done = is_over};
        signal(SIGABRT, SIG_DFL);
        log_open(said);
        over = 1;
        if (snapshot_begin(&t) != 0) _exit(2);
        change();
        save();
        _exit(over);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    unlink(temp); /* it may not be there */
    return status;
}

static int test_open(void **state)
{
    char line[512];
    core_open(state);
    files_open();
    session = core_session(0);
    for (int i = 0; i < 100; i++) {
        core_ask(session, numbered(line, "SET key-# value-of-#", i));
        core_ask(session, numbered(line, "RPUSH list-# a b c", i));
    }
    return 0;
}

static int test_close(void **state)
{
    snapshot_close();
    files_close();
    return core_close(state);
}

static struct entry *entry_of(const char *name)
{
    return keyspace_find(session->db, key_make(bytes_of(name)), LOOKUP_QUIET);
}

static void by_commands(void)
{
    core_ask(session, "APPEND key-50 x");
    core_ask(session, "LPUSH list-50 x");
    core_ask(session, "DEL key-51 list-51");
    core_ask(session, "EXPIRE key-52 100");
}

static void behind_the_gate(void)
{
    char scratch[STRING_INT_CHARS];
    char *text = (char *)string_bytes(entry_of("key-50"), scratch).ptr;
    text[0] = 'V';
}

static void what_passes_the_gate_is_sound(void **state)
{
    (void)state;
    assert_int_equal(end_after(by_commands), 0);
    unlink(said);
}

static void an_edit_behind_the_gate_is_found(void **state)
{
    (void)state;
#ifndef BATON_DEBUG
    skip(); /* the check is not compiled */
#endif
    int status = end_after(behind_the_gate);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
    char text[4096] = "";
    int fd = open(said, O_RDONLY);
    assert_true(fd >= 0 && read(fd, text, sizeof(text) - 1) > 0);
    close(fd);
    unlink(said);
    assert_non_null(strstr(text, "snapshot_check.c"));
}

int main(void)
{
#define WITH_CHECK(test) cmocka_unit_test_setup_teardown(test, test_open, test_close)
    const struct CMUnitTest tests[] = {
        WITH_CHECK(what_passes_the_gate_is_sound),
        WITH_CHECK(an_edit_behind_the_gate_is_found),
    };
    return cmocka_run_group_tests(tests, group_open, group_close);
}
