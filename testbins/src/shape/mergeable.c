/* What MADV_MERGEABLE and PR_SET_MEMORY_MERGE show of a process, the scanner not running: flags of mappings, new
 * ones too, and what fork and execve inherit. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef PR_SET_MEMORY_MERGE
#define PR_SET_MEMORY_MERGE 67
#define PR_GET_MEMORY_MERGE 68
#endif

#define SHOW(call)                                                     \
    do {                                                               \
        errno = 0;                                                     \
        long result = (call);                                          \
        printf("%s = %ld %s\n", #call, result, strerrorname_np(errno)); \
    } while (0)

static void state(const char *when) {
    FILE *f = fopen("/proc/self/ksm_stat", "r");
    char line[100];
    printf("%s:", when);
    while (f && fgets(line, sizeof line, f))
        if (!strncmp(line, "ksm_merg", 8) && strchr(line, ':'))
            printf(" %.*s", (int)strcspn(line, "\n"), line);
    printf("\n");
    if (f)
        fclose(f);
}

static void flag(const char *what, void *at) {
    FILE *f = fopen("/proc/self/smaps", "r");
    char line[4096];
    int here = 0;
    while (fgets(line, sizeof line, f)) {
        unsigned long start, end;
        if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
            here = start <= (unsigned long)at && (unsigned long)at < end;
        else if (here && !strncmp(line, "VmFlags:", 8))
            printf("%s: %s\n", what, strstr(line, " mg") ? "mergeable" : "not mergeable");
    }
    fclose(f);
}

static void *map(int flags) { return mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | flags, -1, 0); }

int main(int argc, char **argv) {
    if (argc > 1) {
        SHOW(prctl(PR_GET_MEMORY_MERGE, 0, 0, 0, 0));
        state("after execve");
        flag("the heap after execve", sbrk(4096));
        return 0;
    }
    char *p = map(MAP_PRIVATE), *s = map(MAP_SHARED);
    p[0] = s[0] = 1;
    state("at first");
    SHOW(madvise(p, 4096, MADV_MERGEABLE));
    SHOW(madvise(s, 4096, MADV_MERGEABLE));
    flag("advised", p);
    flag("beside it", p + 4096);
    flag("shared", s);
    state("advised");
    SHOW(madvise(p, 4096, MADV_UNMERGEABLE));
    state("no longer");
    SHOW(prctl(PR_SET_MEMORY_MERGE, 1, 1, 0, 0));
    SHOW(prctl(PR_GET_MEMORY_MERGE, 1, 0, 0, 0));
    SHOW(prctl(PR_SET_MEMORY_MERGE, 2, 0, 0, 0));
    SHOW(prctl(PR_GET_MEMORY_MERGE, 0, 0, 0, 0));
    state("any");
    flag("old", p);
    flag("new", map(MAP_PRIVATE));
    flag("new, shared", map(MAP_SHARED));
    flag("new on the heap", sbrk(1 << 20));
    fflush(stdout);
    if (fork() == 0) {
        state("child");
        fflush(stdout);
        execl("/proc/self/exe", argv[0], "again", NULL);
        _exit(1);
    }
    wait(NULL);
    SHOW(prctl(PR_SET_MEMORY_MERGE, 0, 0, 0, 0));
    state("none");
    flag("old", p);
    return 0;
}
