/*
 * One server's lives on one disk: each is a process, forked from the simulator, so that its end is
 * an end. The disk is a directory that is made for the seed. What goes on from life to life, the
 * ledger and the state of the simulator, is shared memory; whoever ends leaves it in order.
 */
#include "sim/sim.h"

#include "base/must.h"
#include "catalog/settings.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LIVES_MAX = 5 };

#if defined(__SANITIZE_THREAD__)
/* Else every process would sleep for a second when it ends. */
const char *__tsan_default_options(void);
const char *__tsan_default_options(void) { return "atexit_sleep_ms=0"; }
#endif

struct shared {
    struct sim_state state;
    bool has_failed; /* syncs have, since the power was cut last */
    bool is_ragged;  /* the files may have holes */
};

static struct shared *shared;
static struct ledger *ledger;

/* What the seed, and then each life, has chosen. */
static struct {
    enum lives_disk kind;
    bool is_last, is_rdb;
    const char *fsync;
    struct disk_terms terms;
} life;

static const char *choose(const char *const *words, uint64_t count)
{
    return words[sim_below(count)];
}

static void life_set(struct settings *s)
{
    static const char *const bools[] = {"yes", "no"}, *const versions[] = {"10", "11"},
                             *const sizes[] = {"1000", "20000", "67108864"},
                             *const percents[] = {"0", "10", "100"};
    sim_set(s, "appendonly", life.is_rdb ? "no" : "yes");
    sim_set(s, "appendfsync", life.fsync);
    sim_set(s, "aof-use-rdb-preamble", choose(bools, 2));
    sim_set(s, "aof-timestamp-enabled", choose(bools, 2));
    sim_set(s, "auto-aof-rewrite-min-size", choose(sizes, 3));
    sim_set(s, "auto-aof-rewrite-percentage", choose(percents, 3));
    sim_set(s, "rdb-version", choose(versions, 2));
    sim_set(s, "rdbcompression", choose(bools, 2));
}

static void life_choose(enum lives_disk kind)
{
    static const char *const fsyncs[] = {"always",   "always",   "always",
                                         "everysec", "everysec", "no"};
    static const unsigned spans[] = {20, 100, 500, 3000};
    bool lies = kind != LIVES_HONEST;
    life.fsync = lies ? "always" : choose(fsyncs, 6);
    life.terms = (struct disk_terms){
        .end = lies || sim_chance(2) ? DISK_POWER_CUT : (enum disk_end)sim_below(3),
        .calls = 1 + (unsigned)sim_below(spans[sim_below(4)]),
        .fails = !lies && !life.is_last && sim_chance(4),
        .fills = !lies && !life.is_last && sim_chance(5),
        .stays_full = sim_chance(2),
        .is_wild = sim_chance(3),
        .lies = kind == LIVES_SYNC_LIES,
        .lies_of_dirs = kind == LIVES_DIR_SYNC_LIES,
    };
    if (life.is_last) life.terms.end = DISK_ENDS_WELL;
}

/* The end of each, whichever it is. */
static void life_ends(void)
{
    bool fails = disk_has_failed(), ended_well = life.terms.end == DISK_ENDS_WELL && !fails;
    bool is_always = strcmp(life.fsync, "always") == 0, is_no = strcmp(life.fsync, "no") == 0;
    struct ledger_promise p = {
        .always = !life.is_rdb && (is_always || ended_well),
        .killed = life.terms.end != DISK_POWER_CUT,
        .failed = fails,
        .window_ns = life.is_rdb || is_no || fails ? 0 : 1000000000,
    };
    ledger_promise(&p);
    bool is_cut = life.terms.end == DISK_POWER_CUT;
    shared->has_failed |= life.terms.fails;
    shared->is_ragged = is_cut && (life.terms.is_wild || shared->has_failed);
    if (is_cut) shared->has_failed = false;
    shared->state = sim_save();
}

static void life_at_end(void)
{
    if (life.terms.end != DISK_ENDS_WELL) disk_end_now();
}

static void life_run(const char *dir)
{
    must(chdir(dir) == 0);
    sim_restore(&shared->state);
    life_choose(life.kind);
    sim_note(life.is_rdb ? "life of rdb" : life.fsync, life.terms.end, life.terms.calls);
    const struct ledger_terms terms = {
        .is_last = life.is_last,
        .saves = life.is_rdb,
        .syncs_always = strcmp(life.fsync, "always") == 0,
        .syncs_never = strcmp(life.fsync, "no") == 0,
        .toggles = !life.is_rdb && life.kind == LIVES_HONEST && sim_chance(5),
    };
    ledger_open(ledger, &terms);
    disk_start(&life.terms, life_ends);
    if (shared->is_ragged) disk_fix_logs();
    sim_life(life_set, life_at_end);
    life_ends();
    fflush(stdout);
    _exit(0);
}

/* False when it failed. */
static bool life_fork(const char *dir)
{
    int status;
    fflush(stdout);
    pid_t pid = fork();
    must(pid >= 0);
    if (pid == 0) {
        if (life.kind != LIVES_HONEST) must(freopen("/dev/null", "w", stdout) != NULL);
        life_run(dir);
    }
    must(waitpid(pid, &status, 0) == pid);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return true;
    if (WIFEXITED(status)) return false;
    sim_fail("a life was ended by signal %d", WTERMSIG(status));
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *place)
{
    (void)st;
    (void)type;
    (void)place;
    return remove(path);
}

/* In memory where that goes: a real disk has other things to do. */
static void make_dir(char *dir, size_t len)
{
    snprintf(dir, len, "/dev/shm/baton-sim-XXXXXX");
    if (mkdtemp(dir) != NULL) return;
    snprintf(dir, len, "/tmp/baton-sim-XXXXXX");
    must(mkdtemp(dir) != NULL);
}

static char borrowed[32];

void lives_borrow_disk(void)
{
    static const struct disk_terms terms = {.end = DISK_ENDS_WELL};
    make_dir(borrowed, sizeof(borrowed));
    must(chdir(borrowed) == 0);
    disk_start(&terms, NULL);
}

void lives_return_disk(void)
{
    disk_stop();
    must(chdir("/") == 0 && nftw(borrowed, remove_one, 8, FTW_DEPTH | FTW_PHYS) == 0);
}

bool lives_run(enum lives_disk kind)
{
    char dir[32];
    make_dir(dir, sizeof(dir));
    memset(shared, 0, sizeof(*shared));
    ledger = ledger_make();
    life.kind = kind;
    life.is_rdb = kind == LIVES_HONEST && sim_chance(6);
    int count = 2 + (int)sim_below(LIVES_MAX - 1);
    bool good = true;
    shared->state = sim_save();
    for (int i = 0; i < count && good; i++) {
        life.is_last = i + 1 == count;
        good = life_fork(dir);
    }
    sim_restore(&shared->state);
    ledger_free(ledger);
    if (getenv("KEEP") != NULL)
        printf("the disk is %s\n", dir);
    else
        must(nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS) == 0);
    fflush(stdout);
    if (!good && kind == LIVES_HONEST) _exit(1); /* the life has told */
    return good;
}

void lives_open(void)
{
    shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    must(shared != MAP_FAILED);
}
