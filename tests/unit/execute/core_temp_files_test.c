/* What saves that were cut short left is known by its name, and goes when its process is gone. */
#include "unit/check.h"

#include "execute/core/temp_files.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[] = "/tmp/baton-temp-XXXXXX";
static char path[256];

static int open_folder(void **state)
{
    (void)state;
    strcpy(strrchr(folder, '-') + 1, "XXXXXX");
    return mkdtemp(folder) == NULL ? -1 : 0;
}

static int close_folder(void **state)
{
    (void)state;
    return rmdir(folder); /* fails when a test has left something */
}

static const char *in_folder(const char *before, long pid, const char *behind)
{
    snprintf(path, sizeof(path), "%s/%s%ld%s", folder, before, pid, behind);
    return path;
}

static void make(const char *name)
{
    int fd = open(name, O_CREAT | O_WRONLY, 0600);
    assert_true(fd >= 0);
    close(fd);
}

/* The number of a process that ran once. */
static long gone_pid(void)
{
    pid_t pid = fork();
    if (pid == 0) _exit(0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    return pid;
}

static void goes_or_stays(const char *before, long pid, const char *behind, bool goes)
{
    make(in_folder(before, pid, behind));
    temp_files_tidy(folder);
    assert_int_equal(access(path, F_OK) != 0, goes);
    if (!goes) assert_int_equal(unlink(path), 0);
}

static void names_are_of_the_process(void **state)
{
    (void)state;
    char name[TEMP_FILE_NAME], wanted[TEMP_FILE_NAME];
    snprintf(wanted, sizeof(wanted), "temp-%d.rdb", (int)getpid());
    temp_file_name(name, TEMP_FILE_SAVE);
    assert_string_equal(name, wanted);
    for (int kind = 0; kind < TEMP_FILES; kind++) { /* one that was reused is gone, too */
        temp_file_name(name, (enum temp_file)kind);
        snprintf(path, sizeof(path), "%s/%s", folder, name);
        make(path);
        temp_files_tidy(folder);
        assert_int_not_equal(access(path, F_OK), 0);
    }
}

static void of_the_dead_they_go(void **state)
{
    (void)state;
    goes_or_stays("temp-", gone_pid(), ".rdb", true);
    goes_or_stays("temp-bgsave-", gone_pid(), ".rdb", true);
    goes_or_stays("temp-rewriteaof-bg-", gone_pid(), ".aof", true);
    goes_or_stays("temp-", getppid(), ".rdb", false);
}

static void what_only_looks_like_one_stays(void **state)
{
    (void)state;
    goes_or_stays("temp-", gone_pid(), ".rdb.bak", false);
    goes_or_stays("temp-", gone_pid(), "", false);
    goes_or_stays("my-temp-", gone_pid(), ".rdb", false);
    goes_or_stays("temp-", -1, ".rdb", false);
    goes_or_stays("temp-", 0, ".rdb", false);
    goes_or_stays("temp-bgsave-", gone_pid(), ".aof", false);
    temp_files_tidy("/nonexistent");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_of_the_process),
        cmocka_unit_test(of_the_dead_they_go),
        cmocka_unit_test(what_only_looks_like_one_stays),
    };
    return cmocka_run_group_tests(tests, open_folder, close_folder);
}
