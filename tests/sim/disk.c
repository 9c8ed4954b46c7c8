/*
 * The simulated disk, behind disk_calls.
 *
 * What processes see lies in real files below the working directory. What the disk has is kept
 * here: of each file the content that is safe, and which of its pages were written since; of the
 * names those that there were at first, and what was done to them since. A sync of a file makes its
 * content safe, one of a directory the names in it. When the power goes, some of the pages and the
 * first few of the changes of names survive besides, and the real files become what is left.
 *
 * After a sync that failed, its pages count as written although not all of them were: as Linux has
 * it, nobody is told again.
 */
#include "sim/sim.h"

#include "base/must.h"
#include "codec/log_record.h"
#include "disk/disk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PAGE = 4096, SECTOR = 512, FILES = 512, OPENED = 1024, CHANGES = 4096, PATH_LEN = 192 };

enum page { PAGE_SAFE, PAGE_DIRTY, PAGE_LOST };

struct disk_file {
    bool is_dir;
    char *safe; /* what the disk has */
    size_t safe_len, safe_cap;
    size_t len, least; /* as processes see it; and the least since the last sync */
    unsigned char *pages;
    size_t page_count;
};

struct disk_name {
    char path[PATH_LEN];
    struct disk_file *file;
};

enum change_kind { CHANGE_MADE, CHANGE_MOVED, CHANGE_GONE };

struct change {
    enum change_kind kind;
    char path[PATH_LEN], to[PATH_LEN];
    struct disk_file *file, *replaced;
    bool is_safe;
};

struct names {
    struct disk_name list[FILES];
    int count;
};

static struct {
    struct disk_terms terms;
    void (*before_end)(void);
    unsigned calls;
    bool has_failed;
    uint64_t room; /* bytes until it is full */
    struct disk_file files[FILES];
    int file_count;
    struct names now, first;
    struct change changes[CHANGES];
    int change_count;
    struct disk_file *opened[OPENED];
    char root[PATH_LEN];
    size_t root_len;
} disk;

int __real_close(int fd);

/* ---- Names ---- */

/* Relative to the working directory; "" is that one itself. */
static const char *disk_path(const char *path)
{
    if (strncmp(path, disk.root, disk.root_len) == 0) path += disk.root_len;
    while (*path == '/') path++;
    if (strncmp(path, "./", 2) == 0) path += 2;
    if (strcmp(path, ".") == 0) path++;
    if (strlen(path) >= PATH_LEN) sim_fail("the path %s is too long", path);
    return path;
}

static struct disk_name *names_find(struct names *n, const char *path)
{
    for (int i = 0; i < n->count; i++)
        if (strcmp(n->list[i].path, path) == 0) return &n->list[i];
    return NULL;
}

static void names_remove(struct names *n, const char *path)
{
    struct disk_name *name = names_find(n, path);
    if (name != NULL) *name = n->list[--n->count];
}

static void names_set(struct names *n, const char *path, struct disk_file *file)
{
    struct disk_name *name = names_find(n, path);
    if (name == NULL) {
        must(n->count < FILES);
        name = &n->list[n->count++];
        snprintf(name->path, sizeof(name->path), "%s", path);
    }
    name->file = file;
}

static struct disk_file *disk_file_new(bool is_dir)
{
    must(disk.file_count < FILES);
    struct disk_file *f = &disk.files[disk.file_count++];
    *f = (struct disk_file){.is_dir = is_dir};
    return f;
}

static bool is_within(const char *path, const char *dir)
{
    size_t len = strlen(dir);
    if (len > 0 && (strncmp(path, dir, len) != 0 || path[len] != '/')) return false;
    return strchr(path + (len > 0 ? len + 1 : 0), '/') == NULL;
}

static void disk_change(enum change_kind kind, const char *path, const char *to,
                        struct disk_file *file)
{
    must(disk.change_count < CHANGES);
    struct change *c = &disk.changes[disk.change_count++];
    *c = (struct change){.kind = kind, .file = file};
    snprintf(c->path, sizeof(c->path), "%s", path);
    if (to != NULL) snprintf(c->to, sizeof(c->to), "%s", to);
}

/* A directory was synced: what was done to its names is safe, with what had to come before. */
static void disk_sync_names(const char *dir)
{
    for (int i = disk.change_count - 1; i >= 0; i--) {
        struct change *c = &disk.changes[i];
        bool is_in = is_within(c->path, dir) || (c->to[0] != '\0' && is_within(c->to, dir));
        for (int j = i + 1; j < disk.change_count && !is_in; j++)
            is_in = disk.changes[j].is_safe && disk.changes[j].file == c->file;
        c->is_safe |= is_in;
    }
}

static void change_apply(const struct change *c, struct names *n)
{
    struct disk_name *name = names_find(n, c->path);
    if (c->kind == CHANGE_MADE) {
        names_set(n, c->path, c->file);
        return;
    }
    if (name != NULL && name->file == c->file) names_remove(n, c->path);
    if (c->kind == CHANGE_MOVED) names_set(n, c->to, c->file);
}

/* ---- Pages ---- */

static void file_mark(struct disk_file *f, size_t from, size_t to)
{
    size_t count = (to + PAGE - 1) / PAGE;
    if (count > f->page_count) {
        f->pages = realloc(f->pages, count);
        must(f->pages != NULL);
        memset(f->pages + f->page_count, PAGE_SAFE, count - f->page_count);
        f->page_count = count;
    }
    for (size_t i = from / PAGE; i < count; i++) f->pages[i] = PAGE_DIRTY;
}

static void file_cut(struct disk_file *f, size_t len)
{
    if (len < f->least) f->least = len;
    if (len < f->len && f->page_count > (len + PAGE - 1) / PAGE)
        f->page_count = (len + PAGE - 1) / PAGE;
    f->len = len;
    if (len % PAGE != 0) file_mark(f, len - len % PAGE, len);
}

static void safe_resize(struct disk_file *f, size_t len)
{
    if (len > f->safe_cap) {
        f->safe_cap = len * 2;
        f->safe = realloc(f->safe, f->safe_cap);
        must(f->safe != NULL);
    }
    if (len > f->safe_len) memset(f->safe + f->safe_len, 0, len - f->safe_len);
    f->safe_len = len;
}

/* The first `len` bytes of a page, as processes see it, go to the disk. */
static void file_put_page(struct disk_file *f, int fd, size_t page, size_t len)
{
    size_t from = page * PAGE;
    if (from >= f->len) return;
    if (len > f->len - from) len = f->len - from;
    if (f->safe_len < from + len) safe_resize(f, from + len);
    if (pread(fd, f->safe + from, len, (off_t)from) != (ssize_t)len)
        sim_fail("a page is not there");
}

static void file_sync(struct disk_file *f, int fd)
{
    if (f->least < f->safe_len) safe_resize(f, f->least);
    safe_resize(f, f->len);
    for (size_t i = 0; i < f->page_count; i++) {
        if (f->pages[i] != PAGE_DIRTY) continue;
        file_put_page(f, fd, i, PAGE);
        f->pages[i] = PAGE_SAFE;
    }
    f->least = f->len;
}

/* Some of the pages reach the disk; in the order of the file, unless it is wild. */
static void file_put_some(struct disk_file *f, int fd)
{
    uint64_t dirty = 0;
    for (size_t i = 0; i < f->page_count; i++) dirty += f->pages[i] == PAGE_DIRTY;
    if (dirty == 0) return;
    uint64_t whole = sim_below(dirty + 1), at = 0;
    for (size_t i = 0; i < f->page_count; i++) {
        if (f->pages[i] != PAGE_DIRTY) continue;
        bool is_kept = disk.terms.is_wild ? sim_chance(2) : at < whole;
        bool is_torn = !is_kept && (disk.terms.is_wild ? sim_chance(3) : at == whole);
        if (is_kept) file_put_page(f, fd, i, PAGE);
        if (is_torn) file_put_page(f, fd, i, sim_below(PAGE / SECTOR) * SECTOR);
        at++;
    }
}

static void file_fail_sync(struct disk_file *f, int fd)
{
    file_put_some(f, fd);
    for (size_t i = 0; i < f->page_count; i++)
        if (f->pages[i] == PAGE_DIRTY) f->pages[i] = PAGE_LOST;
}

/* ---- The end ---- */

/* What is left of the file is in f->safe then. */
static void file_survive(struct disk_file *f, int fd)
{
    if (f->is_dir) return;
    if (f->least < f->safe_len && sim_chance(2)) safe_resize(f, f->least);
    file_put_some(f, fd);
    /* Its length may be known to the disk, and what is in it not. */
    if (f->len > f->safe_len && sim_chance(3))
        safe_resize(f, f->safe_len + sim_below(f->len - f->safe_len + 1));
}

static void disk_choose_names(struct names *left)
{
    uint64_t unsafe = 0, at = 0;
    for (int i = 0; i < disk.change_count; i++) unsafe += !disk.changes[i].is_safe;
    uint64_t kept = sim_below(unsafe + 1);
    *left = disk.first;
    for (int i = 0; i < disk.change_count; i++)
        if (disk.changes[i].is_safe || at++ < kept) change_apply(&disk.changes[i], left);
}

static int by_path(const void *a, const void *b)
{
    return strcmp(((const struct disk_name *)a)->path, ((const struct disk_name *)b)->path);
}

static void names_sort(struct names *n)
{
    qsort(n->list, (size_t)n->count, sizeof(n->list[0]), by_path);
}

static bool names_have_parent(struct names *n, const char *path)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL) return true;
    char dir[PATH_LEN];
    snprintf(dir, sizeof(dir), "%.*s", (int)(slash - path), path);
    return names_find(n, dir) != NULL;
}

static void disk_write_out(struct names *left)
{
    names_sort(&disk.now);
    for (int i = disk.now.count - 1; i >= 0; i--) (void)remove(disk.now.list[i].path);
    names_sort(left);
    for (int i = 0; i < left->count; i++) {
        const struct disk_name *name = &left->list[i];
        const struct disk_file *f = name->file;
        if (!names_have_parent(left, name->path)) continue;
        if (f->is_dir) {
            must(mkdir(name->path, 0700) == 0);
            continue;
        }
        int fd = open(name->path, O_WRONLY | O_CREAT | O_EXCL, 0600);
        must(fd >= 0 && write(fd, f->safe, f->safe_len) == (ssize_t)f->safe_len);
        __real_close(fd);
        sim_note("left", f->safe_len, (uint64_t)i);
    }
}

static void disk_cut_power(void)
{
    static struct names left;
    names_sort(&disk.now); /* the order of what is drawn */
    int fds[FILES];
    for (int i = 0; i < disk.file_count; i++) fds[i] = -1;
    for (int i = 0; i < disk.now.count; i++) {
        struct disk_file *f = disk.now.list[i].file;
        if (!f->is_dir) fds[f - disk.files] = open(disk.now.list[i].path, O_RDONLY);
    }
    for (int i = 0; i < disk.file_count; i++) {
        /* What has no name any more may get one back, as it was when it was safe. */
        if (fds[i] >= 0) file_survive(&disk.files[i], fds[i]);
        if (fds[i] >= 0) __real_close(fds[i]);
    }
    disk_choose_names(&left);
    disk_write_out(&left);
}

/* ---- From a life to the next one: what was not synced when a process ended ---- */

#define DISK_NOTES ".disk" /* no name of a file of the server's begins like that */

static void disk_note_pages(void)
{
    FILE *out = fopen(DISK_NOTES, "wb");
    must(out != NULL);
    names_sort(&disk.now);
    for (int i = 0; i < disk.now.count; i++) {
        struct disk_file *f = disk.now.list[i].file;
        if (f->is_dir) continue;
        /* What a failed sync lost the next process could not know of, whatever it did: it is given
         * another chance here. */
        for (size_t k = 0; k < f->page_count; k++)
            if (f->pages[k] == PAGE_LOST) f->pages[k] = PAGE_DIRTY;
        fprintf(out, "%s\n%zu %zu %zu\n", disk.now.list[i].path, f->safe_len, f->least,
                f->page_count);
        if (f->page_count > 0) fwrite(f->pages, 1, f->page_count, out);
        if (f->safe_len > 0) fwrite(f->safe, 1, f->safe_len, out);
        fputc('\n', out);
    }
    must(fclose(out) == 0);
}

static void disk_recall_pages(void)
{
    FILE *in = fopen(DISK_NOTES, "rb");
    if (in == NULL) return;
    char path[PATH_LEN], numbers[80];
    while (fgets(path, sizeof(path), in) != NULL && fgets(numbers, sizeof(numbers), in) != NULL) {
        path[strcspn(path, "\n")] = '\0';
        const struct disk_name *name = names_find(&disk.now, path);
        must(name != NULL);
        struct disk_file *f = name->file;
        char *at = numbers;
        safe_resize(f, strtoul(at, &at, 10));
        f->least = strtoul(at, &at, 10);
        f->page_count = strtoul(at, &at, 10);
        f->pages = malloc(f->page_count + 1);
        must(f->pages != NULL && fread(f->pages, 1, f->page_count, in) == f->page_count);
        must(f->safe_len == 0 || fread(f->safe, 1, f->safe_len, in) == f->safe_len);
        must(fgetc(in) == '\n');
    }
    fclose(in);
    must(unlink(DISK_NOTES) == 0);
}

void disk_end_now(void)
{
    sim_note("end", (uint64_t)disk.terms.end, disk.calls);
    if (disk.terms.end == DISK_POWER_CUT)
        disk_cut_power();
    else
        disk_note_pages();
    if (disk.before_end != NULL) disk.before_end();
    fflush(stdout);
    _exit(0);
}

/* ---- Calls ---- */

/* At the beginning of each. False: it is interrupted by a signal. */
static bool disk_enter(const char *what, bool may_be_interrupted)
{
    fiber_maybe_yield();
    sim_note(what, ++disk.calls, 0);
    if (disk.calls == disk.terms.calls && disk.terms.end != DISK_ENDS_WELL) disk_end_now();
    sim_progress();
    if (!may_be_interrupted || !sim_chance(20)) return true;
    errno = EINTR;
    return false;
}

static int disk_fail(int error)
{
    sim_note("fails", (uint64_t)error, disk.calls);
    disk.has_failed = true;
    errno = error;
    return -1;
}

static struct disk_file *disk_opened(int fd)
{
    if (fd < 0 || fd >= OPENED || disk.opened[fd] == NULL) sim_fail("%d is no open file", fd);
    return disk.opened[fd];
}

static struct disk_file *disk_file_at(const char *path, int flags)
{
    if (*path == '\0') return &disk.files[0];
    struct disk_name *name = names_find(&disk.now, path);
    if (name == NULL && (flags & O_CREAT)) {
        struct disk_file *f = disk_file_new(false);
        names_set(&disk.now, path, f);
        disk_change(CHANGE_MADE, path, NULL, f);
        return f;
    }
    if (name == NULL) sim_fail("%s was made by somebody else", path);
    if (flags & O_TRUNC) file_cut(name->file, 0);
    return name->file;
}

static int call_open(const char *path, int flags, int mode)
{
    if (!disk_enter("open", true)) return -1;
    /* Pages are read back when they are synced. */
    int fd =
        open(path, (flags & O_ACCMODE) == O_WRONLY ? (flags & ~O_ACCMODE) | O_RDWR : flags, mode);
    if (fd < 0) return fd;
    if (fd >= OPENED) sim_fail("too many open files");
    disk.opened[fd] = disk_file_at(disk_path(path), flags);
    return fd;
}

static int call_close(int fd)
{
    disk_opened(fd);
    disk_enter("close file", false);
    disk.opened[fd] = NULL;
    return __real_close(fd);
}

/* The disk is full for a while, and then is not. */
static size_t disk_room(size_t len)
{
    if (!disk.terms.fills) return len;
    if (disk.room == 0 && !disk.terms.stays_full && sim_chance(4))
        disk.room = 1 + sim_below(200000);
    size_t n = len < disk.room ? len : (size_t)disk.room;
    disk.room -= n;
    return n;
}

static int64_t call_write(int fd, const void *ptr, size_t len)
{
    struct disk_file *f = disk_opened(fd);
    if (!disk_enter("write", true)) return -1;
    size_t n = disk_room(len);
    if (n == 0 && len > 0) return disk_fail(ENOSPC);
    if (sim_chance(8)) n = sim_some(n);
    bool appends = (fcntl(fd, F_GETFL) & O_APPEND) != 0;
    size_t at = appends ? f->len : (size_t)lseek(fd, 0, SEEK_CUR);
    must(write(fd, ptr, n) == (ssize_t)n);
    file_mark(f, at, at + n);
    if (at + n > f->len) f->len = at + n;
    return (int64_t)n;
}

static int64_t call_read(int fd, void *to, size_t len)
{
    disk_opened(fd);
    if (!disk_enter("read", true)) return -1;
    return read(fd, to, sim_chance(8) ? sim_some(len) : len);
}

static const char *disk_dir_path(const struct disk_file *f)
{
    if (f == &disk.files[0]) return "";
    for (int i = 0; i < disk.now.count; i++)
        if (disk.now.list[i].file == f) return disk.now.list[i].path;
    sim_fail("a directory without a name is synced");
}

static int call_sync(int fd)
{
    struct disk_file *f = disk_opened(fd);
    if (!disk_enter(f->is_dir ? "sync names" : "sync", true)) return -1;
    fiber_sleep(sim_chance(4) ? sim_below(20000000) : sim_below(300000));
    if (disk.terms.fails && sim_chance(12)) {
        if (!f->is_dir) file_fail_sync(f, fd);
        return disk_fail(EIO);
    }
    if (f->is_dir ? disk.terms.lies_of_dirs : disk.terms.lies) return 0;
    if (f->is_dir)
        disk_sync_names(disk_dir_path(f));
    else
        file_sync(f, fd);
    return 0;
}

static int call_sync_range(int fd, uint64_t from, uint64_t len)
{
    (void)from;
    (void)len;
    disk_opened(fd);
    disk_enter("sync range", false);
    return 0;
}

static int call_truncate(int fd, uint64_t len)
{
    struct disk_file *f = disk_opened(fd);
    if (!disk_enter("truncate", true)) return -1;
    must(ftruncate(fd, (off_t)len) == 0);
    file_cut(f, (size_t)len);
    return 0;
}

static int64_t call_size(int fd)
{
    disk_enter("size", false);
    return (int64_t)disk_opened(fd)->len;
}

static int call_rename(const char *from, const char *to)
{
    disk_enter("rename", false);
    if (rename(from, to) != 0) return -1;
    from = disk_path(from);
    to = disk_path(to);
    struct disk_file *f = names_find(&disk.now, from)->file;
    disk_change(CHANGE_MOVED, from, to, f);
    names_remove(&disk.now, from);
    names_set(&disk.now, to, f);
    return 0;
}

static int call_unlink(const char *path)
{
    disk_enter("unlink", false);
    if (unlink(path) != 0) return -1;
    path = disk_path(path);
    disk_change(CHANGE_GONE, path, NULL, names_find(&disk.now, path)->file);
    names_remove(&disk.now, path);
    return 0;
}

static int call_mkdir(const char *path, int mode)
{
    disk_enter("mkdir", false);
    if (mkdir(path, (mode_t)mode) != 0) return -1;
    struct disk_file *f = disk_file_new(true);
    names_set(&disk.now, disk_path(path), f);
    disk_change(CHANGE_MADE, disk_path(path), NULL, f);
    return 0;
}

/* ---- Life ---- */

static void disk_take_in(const char *dir)
{
    DIR *d = opendir(*dir == '\0' ? "." : dir);
    must(d != NULL);
    const struct dirent *entry;
    while ((entry = readdir(d)) != NULL) {
        char path[PATH_LEN];
        struct stat st;
        if (entry->d_name[0] == '.') continue;
        int n = snprintf(path, sizeof(path), "%s%s%s", dir, *dir == '\0' ? "" : "/", entry->d_name);
        must(n < PATH_LEN && stat(path, &st) == 0);
        names_set(&disk.now, path, NULL);
        if (S_ISDIR(st.st_mode)) disk_take_in(path);
    }
    closedir(d);
}

static struct disk_file *disk_read_in(const char *path)
{
    struct stat st;
    must(stat(path, &st) == 0);
    struct disk_file *f = disk_file_new(S_ISDIR(st.st_mode));
    if (f->is_dir) return f;
    safe_resize(f, (size_t)st.st_size);
    f->len = f->least = f->safe_len;
    int fd = open(path, O_RDONLY);
    must(fd >= 0 && read(fd, f->safe, f->safe_len) == (ssize_t)f->safe_len);
    __real_close(fd);
    return f;
}

void disk_start(const struct disk_terms *terms, void (*before_end)(void))
{
    static const struct disk_calls calls = {
        .open = call_open,
        .close = call_close,
        .write = call_write,
        .read = call_read,
        .sync = call_sync,
        .sync_range = call_sync_range,
        .truncate = call_truncate,
        .size = call_size,
        .rename = call_rename,
        .unlink = call_unlink,
        .mkdir = call_mkdir,
    };
    memset(&disk, 0, sizeof(disk));
    disk.terms = *terms;
    disk.before_end = before_end;
    disk.room = sim_below(sim_chance(2) ? 200000 : 20000);
    must(getcwd(disk.root, sizeof(disk.root)) != NULL);
    disk.root_len = strlen(disk.root);
    disk_file_new(true); /* the working directory */
    disk_take_in("");
    names_sort(&disk.now);
    for (int i = 0; i < disk.now.count; i++)
        disk.now.list[i].file = disk_read_in(disk.now.list[i].path);
    disk_recall_pages();
    disk.first = disk.now;
    disk_calls = &calls;
}

void disk_stop(void)
{
    for (int i = 0; i < disk.file_count; i++) {
        free(disk.files[i].safe);
        free(disk.files[i].pages);
    }
    disk.file_count = 0;
    disk_calls = NULL;
}

bool disk_has_failed(void) { return disk.has_failed; }

/* ---- What check-aof --fix does ---- */

/* How much of the log is whole commands and whole transactions. */
static size_t log_whole(const char *data, size_t len)
{
    struct bytes args[64];
    size_t good = 0;
    bool in_multi = false;
    struct log_reader r = {.at = (const uint8_t *)data, .end = (const uint8_t *)data + len};
    while (r.at < r.end) {
        r.args = args;
        r.args_max = 64;
        enum log_record got = log_record_read(&r);
        if (got == LOG_ANNOTATION) continue;
        if (got != LOG_COMMAND) break;
        bool multi = r.nargs == 1 && bytes_is_word(args[0], "multi");
        bool exec = r.nargs == 1 && bytes_is_word(args[0], "exec");
        in_multi = multi || (in_multi && !exec);
        if (!in_multi) good = (size_t)((const char *)r.at - data);
    }
    return good;
}

void disk_fix_logs(void)
{
    for (int i = 0; i < disk.now.count; i++) {
        struct disk_name *name = &disk.now.list[i];
        if (name->file->is_dir || strstr(name->path, ".incr.aof") == NULL) continue;
        size_t good = log_whole(name->file->safe, name->file->safe_len);
        if (good == name->file->safe_len) continue;
        sim_note("fixed", good, name->file->safe_len);
        must(truncate(name->path, (off_t)good) == 0);
        safe_resize(name->file, good);
        name->file->len = name->file->least = good;
        name->file->page_count = 0;
    }
}
