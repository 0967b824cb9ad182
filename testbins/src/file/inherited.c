/* Tells what a program is started with: its open descriptors below 16, what can be read from each, and where it stands. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int main(void)
{
    char report[4096];
    size_t length = 0;
    for (int fd = 0; fd < 16; fd++) {
        struct stat st;
        if (fstat(fd, &st) != 0)
            continue;
        int flags = fcntl(fd, F_GETFL);
        const char *access = (flags & O_ACCMODE) == O_RDONLY ? "r" : (flags & O_ACCMODE) == O_WRONLY ? "w" : "rw";
        char text[8] = "";
        ssize_t n = S_ISREG(st.st_mode) && (flags & O_ACCMODE) == O_RDONLY ? read(fd, text, 4) : 0;
        length += (size_t)snprintf(report + length, sizeof report - length, "%d: type %o %s%s close-on-exec %d '%.*s' at %ld\n",
            fd, st.st_mode & S_IFMT, access, flags & O_APPEND ? " append" : "", fcntl(fd, F_GETFD), (int)n, text,
            S_ISREG(st.st_mode) ? (long)lseek(fd, 0, SEEK_CUR) : 0);
    }
    if (fcntl(5, F_GETFD) == 0)
        (void)!write(5, "to five\n", 8);
    if (write(1, report, length) < 0)
        (void)!write(5, strerror(errno), strlen(strerror(errno)));
    return 0;
}
