/*
 * The move of an old log is safe against a crash at any point: the manifest that names it as base
 * is on disk before the file moves, and the move is made up for when the manifest names a base that
 * is not there yet.
 */
#include "execute/core/loading_files.h"

#include "base/log.h"
#include "disk/disk.h"
#include "execute/core/loading_input.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

enum { FILES_MANIFEST_MAX = 64 << 20 };

struct files_place {
    char dir[PATH_MAX]; /* the folder */
    char old[PATH_MAX]; /* the old log, beside it */
    char new[PATH_MAX]; /* and in it */
    char manifest[PATH_MAX];
};

static int files_wrong(struct loading_files *f, int error, const char *what, const char *path)
{
    loading_wrong(f->wrong, "%s %s: %s", what, path, strerrordesc_np(-error));
    return error;
}

/* ---- The manifest ---- */

static void files_say_line(struct bytes text, int line)
{
    const char *from = text.ptr, *end = text.ptr + text.len;
    for (int i = 1; i < line && from < end; i++) {
        const char *nl = memchr(from, '\n', (size_t)(end - from));
        from = nl == NULL ? end : nl + 1;
    }
    const char *nl = from < end ? memchr(from, '\n', (size_t)(end - from)) : NULL;
    struct bytes shown = bytes_make(from, (size_t)((nl == NULL ? end : nl) - from));
    log_warn("Reading the manifest file, at line %d", line);
    log_warn(">>> '%.*s'", LOADING_WORD(shown));
}

static int files_parse(struct loading_files *f, struct bytes text)
{
    int line = 0;
    const char *wrong = manifest_parse(text, &f->manifest, &line);
    if (wrong == NULL) return 0;
    log_warn("*** FATAL AOF MANIFEST FILE ERROR ***");
    if (line > 0) files_say_line(text, line);
    loading_wrong(f->wrong, "%s", wrong);
    return -EINVAL;
}

int loading_files_read(struct loading_files *f, const char *path)
{
    struct loading_input in;
    *f = (struct loading_files){.total_bytes = 0};
    int r = loading_input_open(&in, path);
    if (r == 0 && in.size > FILES_MANIFEST_MAX) r = -EFBIG;
    if (r == 0) {
        while (loading_input_more(&in)) continue;
        r = -in.error;
        struct bytes text = bytes_make((const char *)in.at, loading_input_left(&in));
        if (r == 0) r = files_parse(f, text);
        loading_input_close(&in);
    }
    if (r != 0 && f->wrong[0] == '\0')
        files_wrong(f, r, "Fatal error: can't open the AOF manifest file for reading:", path);
    return r;
}

/* ---- An old log ---- */

static bool files_there(const char *path) { return access(path, F_OK) == 0; }

/* Nothing is in the folder yet, or a move was begun. */
static bool files_must_move(const struct loading_files *f, const struct files_place *p,
                            const char *name)
{
    if (!files_there(p->old)) return false;
    if (loading_files_count(f) == 0) return true;
    const struct manifest_file *base = manifest_base(&f->manifest);
    return loading_files_count(f) == 1 && base != NULL && strcmp(base->name, name) == 0 &&
           !files_there(p->new);
}

static int files_move(struct loading_files *f, const struct files_place *p, const char *name)
{
    char beside[PATH_MAX];
    int r = disk_make_dir(p->dir);
    if (r != 0) return files_wrong(f, r, "Can't open or create append-only dir", p->dir);
    if (manifest_base(&f->manifest) == NULL) manifest_add(&f->manifest, name, 1, MANIFEST_BASE);
    size_t len;
    char *text = manifest_print(&f->manifest, &len);
    r = disk_replace(p->manifest, bytes_make(text, len));
    free(text);
    if (r != 0) return files_wrong(f, r, "Can't write the AOF manifest file", p->manifest);
    r = disk_rename(p->old, p->new);
    if (r == 0) r = disk_sync_dir(p->dir);
    disk_dir_of(p->old, beside, sizeof(beside));
    if (r == 0) r = disk_sync_dir(beside);
    if (r != 0) return files_wrong(f, r, "Error trying to move the old AOF file into", p->dir);
    log_note("Successfully migrated an old-style AOF file (%s) into the AOF directory (%s).", name,
             p->dir);
    return 0;
}

/* ---- The log ---- */

static int files_measure(struct loading_files *f, const char *dir)
{
    for (int i = 0; i < loading_files_count(f); i++) {
        char path[PATH_MAX];
        const char *name = loading_files_at(f, i)->name;
        snprintf(path, sizeof(path), "%s/%s", dir, name);
        int fd = disk_open(path, DISK_READ);
        int64_t size = fd < 0 ? fd : disk_size(fd);
        if (fd >= 0) disk_close(fd);
        if (size < 0) {
            loading_wrong(f->wrong, "Unable to obtain the AOF file %s length. stat: %s", name,
                          strerrordesc_np((int)-size));
            return (int)size;
        }
        f->total_bytes += (uint64_t)size;
    }
    return 0;
}

int loading_files_open(struct loading_files *f, const char *dir, const char *name)
{
    struct files_place p;
    snprintf(p.dir, sizeof(p.dir), "%s", dir);
    snprintf(p.old, sizeof(p.old), "%s", name);
    snprintf(p.new, sizeof(p.new), "%s/%s", dir, name);
    snprintf(p.manifest, sizeof(p.manifest), "%s/%s.manifest", dir, name);
    *f = (struct loading_files){.total_bytes = 0};
    int r = files_there(p.manifest) ? loading_files_read(f, p.manifest) : 0;
    if (r == 0 && files_must_move(f, &p, name)) r = files_move(f, &p, name);
    if (r == 0) r = files_measure(f, dir);
    if (r != 0) return r;
    return loading_files_count(f) > 0;
}

void loading_files_close(struct loading_files *f) { manifest_free(&f->manifest); }

int loading_files_count(const struct loading_files *f)
{
    int count = 0;
    for (int i = 0; i < f->manifest.count; i++)
        count += f->manifest.files[i].type != MANIFEST_HISTORY;
    return count;
}

const struct manifest_file *loading_files_at(const struct loading_files *f, int number)
{
    for (int i = 0; i < f->manifest.count; i++)
        if (f->manifest.files[i].type != MANIFEST_HISTORY && number-- == 0)
            return &f->manifest.files[i];
    return NULL;
}

int loading_files_cut(const char *path, uint64_t offset)
{
    int fd = disk_open(path, DISK_APPEND);
    if (fd < 0) return fd;
    int r = disk_truncate(fd, offset);
    if (r == 0) r = disk_sync(fd);
    disk_close(fd);
    return r;
}
