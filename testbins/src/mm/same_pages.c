/* Has the machine's scanner merge equal pages of two processes, and looks what that shows. It changes settings
 * of the whole machine: natively it does so only when asked ("check"), and puts them back.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGES 32
#define PAGE 4096
#define KSM "/sys/kernel/mm/ksm/"
#define KPF_KSM 21

static int wrong;

static long get(const char *path) {
    long value = -1;
    FILE *f = fopen(path, "r");
    if (f == NULL || fscanf(f, "%ld", &value) != 1)
        printf("cannot read %s\n", path);
    if (f)
        fclose(f);
    return value;
}

static void put(const char *path, long value) {
    FILE *f = fopen(path, "w");
    if (f == NULL || fprintf(f, "%ld\n", value) < 0 || fclose(f) != 0) {
        printf("cannot write %ld to %s\n", value, path);
        wrong++;
    }
}

static void expect(const char *what, long value, long wanted) {
    if (value != wanted) {
        printf("%s is %ld, not %ld\n", what, value, wanted);
        wrong++;
    }
}

/* The scanner takes its time. */
static void await(const char *path, long wanted) {
    for (int i = 0; i < 2000 && get(path) != wanted; i++)
        usleep(2000);
    expect(path, get(path), wanted);
}

static long smaps(char *at) {
    FILE *f = fopen("/proc/self/smaps", "r");
    char line[4096];
    int here = 0;
    long kib = -1;
    while (fgets(line, sizeof line, f)) {
        unsigned long start, end;
        if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
            here = start <= (unsigned long)at && (unsigned long)at < end;
        else if (here)
            sscanf(line, "KSM: %ld", &kib);
    }
    fclose(f);
    return kib;
}

static uint64_t frame(char *at) {
    uint64_t entry = 0;
    int fd = open("/proc/self/pagemap", O_RDONLY);
    if (pread(fd, &entry, 8, (uintptr_t)at / PAGE * 8) != 8)
        wrong++;
    close(fd);
    return entry & ((1ull << 55) - 1);
}

static int isShared(char *at) {
    uint64_t flags = 0;
    int fd = open("/proc/kpageflags", O_RDONLY);
    if (pread(fd, &flags, 8, frame(at) * 8) != 8)
        wrong++;
    close(fd);
    return flags >> KPF_KSM & 1;
}

static void holds(const char *when, char *area, int from, int value) {
    for (int i = from * PAGE; i < PAGES * PAGE; i++)
        if (area[i] != value) {
            printf("%s: byte %d is %d, not %d\n", when, i, area[i], value);
            wrong++;
            return;
        }
}

static void child(char *area, int go, int done) {
    char c;
    memset(area, 'a', PAGES * PAGE);
    madvise(area, PAGES * PAGE, MADV_MERGEABLE);
    if (write(done, "x", 1) != 1 || read(go, &c, 1) != 1)
        _exit(1);
    area[0] = 'b';
    holds("the child", area, 1, 'a');
    if (write(done, "x", 1) != 1 || read(go, &c, 1) != 1)
        _exit(1);
    _exit(wrong != 0);
}

static void check(void) {
    char *area = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int go[2], done[2], status;
    char c;
    if (pipe(go) != 0 || pipe(done) != 0)
        exit(1);
    pid_t pid = fork();
    if (pid == 0)
        child(area, go[0], done[1]);
    if (read(done[0], &c, 1) != 1)
        exit(1);
    memset(area, 'a', PAGES * PAGE);
    madvise(area, PAGES * PAGE, MADV_MERGEABLE);
    expect("KSM before", smaps(area), 0);
    put(KSM "run", 1);
    await(KSM "pages_sharing", 2 * PAGES - 1);
    expect("pages_shared", get(KSM "pages_shared"), 1);
    expect("pages_unshared", get(KSM "pages_unshared"), 0);
    expect("pages_volatile", get(KSM "pages_volatile"), 0);
    expect("ksm_merging_pages", get("/proc/self/ksm_merging_pages"), PAGES);
    expect("KSM", smaps(area), PAGES * 4);
    expect("frames are one", frame(area) == frame(area + 5 * PAGE), 1);
    expect("KPF_KSM", isShared(area), 1);
    if (write(go[1], "x", 1) != 1 || read(done[0], &c, 1) != 1)
        exit(1);
    holds("the parent", area, 0, 'a');
    await(KSM "pages_sharing", 2 * PAGES - 2);
    await(KSM "pages_unshared", 1);
    put(KSM "run", 2);
    expect("pages_shared at last", get(KSM "pages_shared"), 0);
    expect("pages_sharing at last", get(KSM "pages_sharing"), 0);
    expect("KSM at last", smaps(area), 0);
    expect("KPF_KSM at last", isShared(area), 0);
    holds("the parent at last", area, 0, 'a');
    if (write(go[1], "x", 1) != 1 || waitpid(pid, &status, 0) != pid)
        exit(1);
    expect("the child's status", status, 0);
}

int main(int argc, char **argv) {
    if (argc < 2 || strcmp(argv[1], "check") != 0) {
        printf("not asked to merge pages\n");
        return 0;
    }
    static const char *const knobs[] = {KSM "sleep_millisecs", KSM "pages_to_scan", KSM "smart_scan"};
    static const long values[] = {1, 1000, 0};
    long before[3], run = get(KSM "run");
    for (int i = 0; i < 3; i++) {
        before[i] = get(knobs[i]);
        put(knobs[i], values[i]);
    }
    check();
    for (int i = 0; i < 3; i++)
        put(knobs[i], before[i]);
    put(KSM "run", run == 1 ? 1 : 0);
    return wrong;
}
