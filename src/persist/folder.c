/*
 * A new manifest is written to a file of its own, synced, and renamed over the old one, between two
 * syncs of the folder: files that it names have their names on disk before, files that it no longer
 * names are removed after.
 */
#include "persist/folder.h"

#include "base/log.h"
#include "disk/disk.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct path {
    char text[FOLDER_PATH_MAX + MANIFEST_NAME_MAX + 32];
};

static struct path folder_path(const struct folder *f, const char *name)
{
    struct path p;
    snprintf(p.text, sizeof(p.text), "%s/%s", f->dir, name);
    return p;
}

static struct path folder_path_of(const struct folder *f, const char *before, const char *after)
{
    struct path p;
    snprintf(p.text, sizeof(p.text), "%s/%s%s%s", f->dir, before, f->prefix, after);
    return p;
}

static struct path folder_manifest_path(const struct folder *f)
{
    return folder_path_of(f, "", ".manifest");
}

static struct path folder_temporary_path(const struct folder *f)
{
    return folder_path_of(f, "temp-", ".incr");
}

static int folder_complain(int rc, const char *what, const char *path)
{
    if (rc < 0) log_warn("%s %s: %s", what, path, strerrordesc_np(-rc));
    return rc;
}

/* ---- The manifest ---- */

static int folder_read_manifest(struct folder *f)
{
    char *text;
    size_t len;
    int line;
    struct path path = folder_manifest_path(f);
    int rc = disk_read_file(path.text, &text, &len);
    if (rc == -ENOENT) return 0;
    if (rc < 0) return folder_complain(rc, "Cannot read the AOF manifest", path.text);
    const char *wrong = manifest_parse(bytes_make(text, len), &f->manifest, &line);
    free(text);
    if (wrong == NULL) return 0;
    log_warn("The AOF manifest %s, at line %d: %s", path.text, line, wrong);
    return -EINVAL;
}

static int folder_write_new(const char *path, const struct manifest *m)
{
    size_t len;
    char *text = manifest_print(m, &len);
    int rc = disk_write_new(path, bytes_make(text, len));
    free(text);
    return rc;
}

/* Takes `next`, which takes the place of the manifest. -errno: it does not, unless `is_unsure`. */
static int folder_publish(struct folder *f, struct manifest *next)
{
    struct path fresh = folder_path_of(f, "temp-", ".manifest"), path = folder_manifest_path(f);
    f->is_unsure = false;
    int rc = folder_write_new(fresh.text, next);
    if (rc == 0) rc = disk_sync_dir(f->dir);
    if (rc == 0) rc = disk_rename(fresh.text, path.text);
    if (rc < 0) {
        disk_remove(fresh.text);
        manifest_free(next);
        return folder_complain(rc, "Cannot write the AOF manifest", path.text);
    }
    manifest_free(&f->manifest);
    f->manifest = *next;
    rc = disk_sync_dir(f->dir);
    f->is_unsure = f->keeps_old = rc < 0;
    return folder_complain(rc, "Cannot sync the AOF folder", f->dir);
}

/* ---- Names ---- */

static bool folder_is_history(const struct folder *f, const char *name)
{
    for (int i = 0; i < f->manifest.count; i++)
        if (f->manifest.files[i].type == MANIFEST_HISTORY &&
            strcmp(f->manifest.files[i].name, name) == 0)
            return true;
    return false;
}

/* The next number of its kind whose name history does not have. 0 or -ENAMETOOLONG. */
static int folder_next(const struct folder *f, enum manifest_type type, bool is_rdb, char *name,
                       int64_t *seq)
{
    *seq = manifest_last_seq(&f->manifest, type);
    do {
        ++*seq;
        if (!manifest_name(name, f->prefix, *seq, type, is_rdb)) return -ENAMETOOLONG;
    } while (folder_is_history(f, name));
    return 0;
}

/* ---- Open ---- */

/* What a process that was killed has left behind. */
static void folder_clean(struct folder *f)
{
    disk_remove(folder_temporary_path(f).text);
    disk_remove(folder_path_of(f, "temp-", ".manifest").text);
}

int folder_open(struct folder *f, const char *name, const char *prefix)
{
    *f = (struct folder){0};
    char here[PATH_MAX];
    if (getcwd(here, sizeof(here)) == NULL) return -errno;
    int rc = 0;
    if ((size_t)snprintf(f->dir, sizeof(f->dir), "%s/%s", here, name) >= sizeof(f->dir) ||
        strlen(prefix) >= sizeof(f->prefix))
        rc = -ENAMETOOLONG;
    if (rc == 0) rc = disk_make_dir(f->dir);
    if (rc == 0) rc = disk_sync_dir(here);
    if (rc == 0) rc = disk_sync_dir(f->dir); /* names that who ended before has not synced */
    if (rc < 0) return folder_complain(rc, "Cannot make the AOF folder", f->dir);
    memcpy(f->prefix, prefix, strlen(prefix) + 1);
    rc = folder_read_manifest(f);
    if (rc == 0)
        folder_clean(f);
    else
        folder_close(f);
    return rc;
}

void folder_close(struct folder *f)
{
    manifest_free(&f->manifest);
    f->is_unsure = f->keeps_old = false;
}

/* ---- Increments ---- */

int folder_append(struct folder *f)
{
    const struct manifest_file *last = manifest_last_increment(&f->manifest);
    if (last == NULL) return folder_add_increment(f);
    struct path path = folder_path(f, last->name);
    log_note("Opening AOF incr file %s on server start", last->name);
    return folder_complain(disk_open(path.text, DISK_APPEND), "Cannot open", path.text);
}

/* An empty file to append to. */
static int folder_make(const char *path)
{
    int fd = disk_open(path, DISK_NEW);
    if (fd >= 0) {
        disk_close(fd);
        fd = disk_open(path, DISK_APPEND);
    }
    return folder_complain(fd, "Cannot make", path);
}

int folder_add_increment(struct folder *f)
{
    char name[MANIFEST_NAME_MAX];
    int64_t seq;
    int rc = folder_next(f, MANIFEST_INCREMENT, false, name, &seq);
    if (rc < 0) return rc;
    struct path path = folder_path(f, name);
    log_note("Creating AOF incr file %s", name);
    int fd = folder_make(path.text);
    if (fd < 0) return fd;
    struct manifest next;
    manifest_copy(&next, &f->manifest);
    manifest_add(&next, name, seq, MANIFEST_INCREMENT);
    rc = folder_publish(f, &next);
    if (rc == 0) return fd;
    disk_close(fd);
    if (!f->is_unsure) disk_remove(path.text);
    return rc;
}

int folder_make_temporary(struct folder *f) { return folder_make(folder_temporary_path(f).text); }

void folder_remove_temporary(struct folder *f)
{
    struct path path = folder_temporary_path(f);
    log_note("Removing the temp incr aof file %s", path.text);
    folder_complain(disk_remove(path.text), "Cannot remove", path.text);
}

/* ---- A new base ---- */

/* The names that an adoption gives. */
struct adoption {
    char base[MANIFEST_NAME_MAX], increment[MANIFEST_NAME_MAX];
    int64_t base_seq, increment_seq;
};

static int folder_choose(const struct folder *f, bool is_rdb, struct adoption *a)
{
    int rc = folder_next(f, MANIFEST_BASE, is_rdb, a->base, &a->base_seq);
    return rc != 0 ? rc
                   : folder_next(f, MANIFEST_INCREMENT, false, a->increment, &a->increment_seq);
}

/* The files get their names. Nothing names them yet: what was not renamed stays as it is. */
static int folder_rename(struct folder *f, const char *path, const struct adoption *a,
                         bool has_temporary)
{
    int rc = disk_rename(path, folder_path(f, a->base).text);
    if (rc < 0) return folder_complain(rc, "Cannot rename the temporary AOF base file", path);
    log_note("Successfully renamed the temporary AOF base file %s into %s", path, a->base);
    if (!has_temporary) return 0;
    struct path temporary = folder_temporary_path(f);
    rc = disk_rename(temporary.text, folder_path(f, a->increment).text);
    if (rc < 0) {
        disk_remove(folder_path(f, a->base).text);
        return folder_complain(rc, "Cannot rename the temporary AOF incr file", temporary.text);
    }
    log_note("Successfully renamed the temporary AOF incr file %s into %s", temporary.text,
             a->increment);
    return 0;
}

int folder_adopt(struct folder *f, const char *path, bool is_rdb, enum folder_increments keep,
                 int64_t seq)
{
    struct adoption a;
    struct manifest next;
    bool has_temporary = keep == FOLDER_TEMPORARY;
    f->is_unsure = false;
    int rc = folder_choose(f, is_rdb, &a);
    if (rc == 0) rc = folder_rename(f, path, &a, has_temporary);
    if (rc < 0) return rc;
    manifest_copy(&next, &f->manifest);
    manifest_retire(&next, keep == FOLDER_KEEP_SINCE ? seq : INT64_MAX);
    manifest_add(&next, a.base, a.base_seq, MANIFEST_BASE);
    if (has_temporary) manifest_add(&next, a.increment, a.increment_seq, MANIFEST_INCREMENT);
    rc = folder_publish(f, &next);
    if (rc == 0 || f->is_unsure) return rc;
    disk_remove(folder_path(f, a.base).text);
    if (has_temporary) disk_rename(folder_path(f, a.increment).text, folder_temporary_path(f).text);
    return rc;
}

int folder_remove_history(struct folder *f)
{
    int removed = 0;
    if (f->keeps_old) return 0;
    for (int i = 0; i < f->manifest.count; i++) {
        const struct manifest_file *file = &f->manifest.files[i];
        if (file->type != MANIFEST_HISTORY) continue;
        log_note("Removing the history file %s in the background", file->name);
        int rc = disk_remove(folder_path(f, file->name).text);
        if (rc < 0 && rc != -ENOENT) return folder_complain(rc, "Cannot remove", file->name);
        removed++;
    }
    if (removed == 0) return 0;
    struct manifest next;
    manifest_copy(&next, &f->manifest);
    manifest_drop_history(&next);
    return folder_publish(f, &next);
}

uint64_t folder_size(const struct folder *f)
{
    uint64_t size = 0;
    for (int i = 0; i < f->manifest.count; i++) {
        if (f->manifest.files[i].type == MANIFEST_HISTORY) continue;
        int64_t n = disk_size_of(folder_path(f, f->manifest.files[i].name).text);
        if (n > 0) size += (uint64_t)n;
    }
    return size;
}
