/* Small files are read whole and replaced whole. */
#include "unit/check.h"

#include "execute/core/file_text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char folder[] = "/tmp/baton-file-XXXXXX";
static char path[64], link_path[64];

static int open_folder(void **state)
{
    (void)state;
    strcpy(strrchr(folder, '-') + 1, "XXXXXX");
    if (mkdtemp(folder) == NULL) return -1;
    snprintf(path, sizeof(path), "%s/a", folder);
    snprintf(link_path, sizeof(link_path), "%s/b", folder);
    return 0;
}

/* Fails when anything else was left behind. */
static int close_folder(void **state)
{
    (void)state;
    unlink(path);
    unlink(link_path);
    return rmdir(folder);
}

static void expect_text(const char *name, const char *wanted)
{
    struct stat st;
    char *text;
    size_t len;
    assert_int_equal(file_text_read(name, &text, &len, &st), 0);
    assert_int_equal(len, strlen(wanted));
    assert_memory_equal(text, wanted, len);
    free(text);
}

static void what_was_replaced_is_read_back(void **state)
{
    (void)state;
    struct stat st = {.st_mode = 0640, .st_uid = (uid_t)-1, .st_gid = (gid_t)-1};
    assert_int_equal(file_text_replace(path, bytes_of("one\n"), &st), 0);
    expect_text(path, "one\n");
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0640);
    assert_int_equal(file_text_replace(path, bytes_of(""), &st), 0);
    expect_text(path, "");
}

static void a_link_stays_one(void **state)
{
    (void)state;
    struct stat st = {.st_mode = 0600, .st_uid = (uid_t)-1, .st_gid = (gid_t)-1};
    assert_int_equal(file_text_replace(path, bytes_of("one"), &st), 0);
    assert_int_equal(symlink(path, link_path), 0);
    assert_int_equal(file_text_replace(link_path, bytes_of("two"), &st), 0);
    expect_text(path, "two");
    assert_int_equal(lstat(link_path, &st), 0);
    assert_true(S_ISLNK(st.st_mode));
}

static void what_is_no_file_is_refused(void **state)
{
    (void)state;
    struct stat st = {.st_mode = 0600, .st_uid = (uid_t)-1, .st_gid = (gid_t)-1};
    char *text;
    size_t len;
    assert_int_equal(file_text_read(path, &text, &len, &st), -ENOENT);
    assert_null(text);
    assert_int_equal(file_text_read(folder, &text, &len, &st), -EINVAL);
    assert_int_equal(file_text_replace(folder, bytes_of("x"), &st), -EISDIR);
    assert_int_equal(file_text_replace("/nosuch/a", bytes_of("x"), &st), -ENOENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_was_replaced_is_read_back, open_folder, close_folder),
        cmocka_unit_test_setup_teardown(a_link_stays_one, open_folder, close_folder),
        cmocka_unit_test_setup_teardown(what_is_no_file_is_refused, open_folder, close_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
