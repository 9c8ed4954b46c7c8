/*
 * baton-check-aof [--fix | --truncate-to-timestamp SECONDS] FILE: a log's manifest with all files
 * that it names, or one file. Files are read as the server reads them; only the last one may be cut
 * off where it is not whole, or where a time begins.
 */
#include "execute/check_private.h"

#include "codec/log_record.h"
#include "disk/disk.h"
#include "execute/core/loading_files.h"
#include "execute/types/heap.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What is to be done. */
struct check_options {
    bool fixes;
    int64_t until_s; /* 0: all of it */
};

struct check_file {
    const char *name, *path;
    bool is_last;
    const struct check_options *options;
    struct loading_input in;
    struct bytes *args;
    uint32_t args_max;
    uint64_t good; /* offset: what is before is whole */
    uint64_t line;
    bool in_group;
    char wrong[256];
};

enum check_verdict {
    CHECK_GOOD,
    CHECK_EMPTY,
    CHECK_CUT,         /* what was not whole is gone */
    CHECK_CUT_IN_TIME, /* and what came after a time */
    CHECK_BAD,         /* it is said why */
};

/* What came of a record. */
enum check_step { STEP_GOES_ON, STEP_ENDS, STEP_CUT_IN_TIME, STEP_BAD };

static enum check_step check_wrong(struct check_file *f, uint64_t offset, const char *what)
{
    snprintf(f->wrong, sizeof(f->wrong), "0x%16" PRIx64 ": %s", offset, what);
    return STEP_ENDS;
}

/* ---- Records ---- */

/* The file ends at the time that is asked for. */
static enum check_step check_time(struct check_file *f, struct bytes text)
{
    int64_t until_s = f->options->until_s, at_s = log_record_time(text);
    uint64_t offset = loading_input_offset(&f->in);
    if (until_s == 0 || at_s == -1) return STEP_GOES_ON;
    if (at_s < 0) {
        printf("Invalid timestamp annotation\n");
        return STEP_BAD;
    }
    if (at_s <= until_s) return STEP_GOES_ON;
    if (offset == 0) {
        printf("AOF %s has nothing before timestamp %" PRId64 ", aborting...\n", f->path, until_s);
        return STEP_BAD;
    }
    if (!f->is_last) {
        printf("Failed to truncate AOF %s to timestamp %" PRId64 " to offset %" PRIu64
               " because it is not the last file.\n",
               f->path, until_s, offset);
        printf("If you insist, please delete all files after this file according to the manifest "
               "file and delete the corresponding records in manifest file manually. Then re-run "
               "baton-check-aof.\n");
        return STEP_BAD;
    }
    if (loading_files_cut(f->path, offset) == 0) return STEP_CUT_IN_TIME;
    printf("Failed to truncate AOF %s to timestamp %" PRId64 "\n", f->path, until_s);
    return STEP_BAD;
}

/* Follows MULTI and EXEC. */
static enum check_step check_command(struct check_file *f, const struct log_reader *r)
{
    uint64_t offset = loading_input_offset(&f->in);
    bool begins = bytes_is_word(r->args[0], "multi"), ends = bytes_is_word(r->args[0], "exec");
    char what[128];
    if ((begins && f->in_group) || (ends && !f->in_group)) {
        snprintf(what, sizeof(what), "Unexpected %s in AOF %.80s", begins ? "MULTI" : "EXEC",
                 f->name);
        return check_wrong(f, offset, what);
    }
    if (begins || ends) f->in_group = begins;
    return STEP_GOES_ON;
}

static enum check_step check_short(struct check_file *f, const struct log_reader *r)
{
    char what[128];
    uint64_t unread = loading_input_unread(&f->in);
    if (r->missing <= unread && loading_input_more(&f->in)) return STEP_GOES_ON;
    uint64_t left = loading_input_left(&f->in) + unread;
    snprintf(what, sizeof(what), "Expected to read %" PRIu64 " bytes, got %" PRIu64 " bytes",
             loading_input_left(&f->in) + r->missing, left);
    f->line += r->lines;
    return check_wrong(f, loading_input_offset(&f->in), what);
}

static enum check_step check_bad(struct check_file *f, const struct log_reader *r)
{
    char what[128];
    f->line += r->lines;
    if (r->bad == f->in.at) {
        printf("AOF %s format error\n", f->name);
        return STEP_ENDS;
    }
    snprintf(what, sizeof(what), "%s, got: '%c' (%02x)", r->expected,
             isprint(*r->bad) ? *r->bad : '?', *r->bad);
    return check_wrong(f, loading_input_offset(&f->in) + (uint64_t)(r->bad - f->in.at), what);
}

static enum check_step check_record(struct check_file *f)
{
    struct log_reader r = {
        .at = f->in.at, .end = f->in.end, .args = f->args, .args_max = f->args_max};
    if (r.at == r.end && !loading_input_more(&f->in)) return STEP_ENDS;
    if (r.at == r.end) return STEP_GOES_ON;
    enum check_step step = STEP_GOES_ON;
    enum log_record got = log_record_read(&r);
    switch (got) {
    case LOG_SHORT: return check_short(f, &r);
    case LOG_BAD: return check_bad(f, &r);
    case LOG_ARGS:
        f->args_max = r.nargs;
        f->args = heap_realloc(f->args, r.nargs * sizeof(*f->args));
        return STEP_GOES_ON;
    case LOG_ANNOTATION: step = check_time(f, r.text); break;
    case LOG_COMMAND: step = check_command(f, &r); break;
    }
    f->line += r.lines;
    if (step != STEP_GOES_ON) return step;
    f->in.at = r.at;
    if (!f->in_group) f->good = loading_input_offset(&f->in);
    return STEP_GOES_ON;
}

/* ---- One file ---- */

static enum check_verdict check_fix(struct check_file *f)
{
    uint64_t size = f->in.size;
    if (!f->is_last) {
        printf("Failed to truncate AOF %s because it is not the last file\n", f->name);
        return CHECK_BAD;
    }
    printf("This will shrink the AOF %s from %" PRIu64 " bytes, with %" PRIu64 " bytes, to %" PRIu64
           " bytes\n",
           f->name, size, size - f->good, f->good);
    printf("Continue? [y/N]: ");
    fflush(stdout);
    int answer = getchar();
    if (answer != 'y' && answer != 'Y') {
        printf("Aborting...\n");
        return CHECK_BAD;
    }
    if (loading_files_cut(f->path, f->good) == 0) return CHECK_CUT;
    printf("Failed to truncate AOF %s\n", f->name);
    return CHECK_BAD;
}

static enum check_verdict check_records(struct check_file *f)
{
    enum check_step step;
    f->good = loading_input_offset(&f->in);
    do step = check_record(f);
    while (step == STEP_GOES_ON);
    if (f->in.error != 0) {
        printf("Failed to read from AOF %s, aborting...\n", f->name);
        return CHECK_BAD;
    }
    if (step == STEP_BAD) return CHECK_BAD;
    if (step == STEP_CUT_IN_TIME) return CHECK_CUT_IN_TIME;
    if (f->in_group && f->wrong[0] == '\0' && loading_input_left(&f->in) == 0)
        check_wrong(f, f->in.size, "Reached EOF before reading EXEC for MULTI");
    if (f->wrong[0] != '\0') printf("%s\n", f->wrong);
    uint64_t diff = f->in.size - f->good;
    if (diff == 0 && f->options->until_s != 0) {
        printf("Truncate nothing in AOF %s to timestamp %" PRId64 "\n", f->name,
               f->options->until_s);
        return CHECK_GOOD;
    }
    printf("AOF analyzed: filename=%s, size=%" PRIu64 ", ok_up_to=%" PRIu64
           ", ok_up_to_line=%" PRIu64 ", diff=%" PRIu64 "\n",
           f->name, f->in.size, f->good, f->line, diff);
    if (diff == 0) return CHECK_GOOD;
    if (f->options->fixes) return check_fix(f);
    printf("AOF %s is not valid. Use the --fix option to try fixing it.\n", f->name);
    return CHECK_BAD;
}

static bool check_is_rdb(struct check_file *f)
{
    while (loading_input_left(&f->in) < 5 && loading_input_more(&f->in)) continue;
    return loading_input_left(&f->in) >= 5 && memcmp(f->in.at, "REDIS", 5) == 0;
}

static bool check_preamble(struct check_file *f)
{
    bool good = check_rdb_input(&f->in, f->path);
    printf(good ? "RDB preamble is OK, proceeding with AOF tail...\n"
                : "RDB preamble of AOF file is not sane, aborting.\n");
    return good;
}

static void check_say(const struct check_file *f, enum check_verdict v, const char *kind)
{
    switch (v) {
    case CHECK_GOOD: printf("%s %s is valid\n", kind, f->name); break;
    case CHECK_EMPTY: printf("%s %s is empty\n", kind, f->name); break;
    case CHECK_CUT: printf("Successfully truncated AOF %s\n", f->name); break;
    case CHECK_CUT_IN_TIME:
        printf("Successfully truncated AOF %s to timestamp %" PRId64 "\n", f->name,
               f->options->until_s);
        break;
    case CHECK_BAD: break;
    }
}

/* `kind` says what it is, "BASE AOF". */
static bool check_one(struct check_file *f, const char *kind, bool says_form)
{
    enum check_verdict v = CHECK_EMPTY;
    int r = loading_input_open(&f->in, f->path);
    if (r != 0) {
        printf("Cannot open file %s: %s, aborting...\n", f->path, strerrordesc_np(-r));
        return false;
    }
    f->line = 1;
    bool is_rdb = check_is_rdb(f);
    if (says_form) printf("Start to check BASE AOF (%s format).\n", is_rdb ? "RDB" : "RESP");
    if (f->in.size > 0) v = !is_rdb || check_preamble(f) ? check_records(f) : CHECK_BAD;
    check_say(f, v, kind);
    loading_input_close(&f->in);
    heap_free(f->args);
    return v != CHECK_BAD;
}

/* ---- The log ---- */

static bool check_manifest(const char *path, const struct check_options *o)
{
    struct loading_files files;
    char dir[PATH_MAX], file_path[PATH_MAX + 1 + MANIFEST_NAME_MAX];
    printf("Start checking Multi Part AOF\n");
    if (loading_files_read(&files, path) != 0) {
        printf("%s\n", files.wrong);
        return false;
    }
    disk_dir_of(path, dir, sizeof(dir));
    int count = loading_files_count(&files);
    bool good = true, told = false;
    for (int i = 0; i < count && good; i++) {
        const struct manifest_file *m = loading_files_at(&files, i);
        bool is_base = m->type == MANIFEST_BASE;
        if (!is_base && !told) printf("Start to check INCR files.\n");
        told |= !is_base;
        snprintf(file_path, sizeof(file_path), "%s/%s", dir, m->name);
        struct check_file f = {
            .name = m->name, .path = file_path, .is_last = i + 1 == count, .options = o};
        good = check_one(&f, is_base ? "BASE AOF" : "INCR AOF", is_base);
    }
    loading_files_close(&files);
    if (good) printf("All AOF files and manifest are valid\n");
    return good;
}

/* Its first line that is no comment begins with "file". A log has '*' there. */
static bool check_is_manifest(const char *path)
{
    char line[1024] = ""; /* an empty file has none */
    bool is_manifest = false;
    FILE *file = fopen(path, "r");
    if (file == NULL) return false;
    while (fgets(line, sizeof(line), file) != NULL && line[0] == '#') continue;
    is_manifest = strncmp(line, "file", 4) == 0;
    fclose(file);
    return is_manifest;
}

static int check_usage(const char *argv0)
{
    printf("Usage: %s [--fix|--truncate-to-timestamp $timestamp] <file.manifest|file.aof>\n",
           argv0);
    return 1;
}

int check_aof(int argc, char **argv)
{
    struct check_options o = {.fixes = false};
    const char *path = argv[argc - 1];
    if (argc == 3 && strcmp(argv[1], "--fix") == 0) {
        o.fixes = true;
    } else if (argc == 4 && strcmp(argv[1], "--truncate-to-timestamp") == 0) {
        char *end;
        errno = 0;
        o.until_s = strtoll(argv[2], &end, 10);
        if (errno != 0 || *end != '\0' || end == argv[2]) {
            printf("Invalid timestamp, aborting...\n");
            return 1;
        }
    } else if (argc != 2) {
        return check_usage(argv[0]);
    }
    if (access(path, R_OK) != 0) {
        printf("Cannot open file %s: %s\n", path, strerrordesc_np(errno));
        return 1;
    }
    if (check_is_manifest(path)) return check_manifest(path, &o) ? 0 : 1;
    struct check_file f = {.name = path, .path = path, .is_last = true, .options = &o};
    printf("Start checking Old-Style AOF\n");
    return check_one(&f, "AOF", false) ? 0 : 1;
}
