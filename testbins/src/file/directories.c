/* mkdir, rename, unlink, symlink, readdir, stat in a directory of its own; names come sorted, for directories have no order. */
#include "observe.h"
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

static void show(const char *label, long result)
{
	printf("%-36s %s\n", label, outcome(result));
}

static void list(const char *path)
{
	struct dirent **entries;
	int n = scandir(path, &entries, NULL, alphasort);

	printf("%d entries:", n);
	for (int i = 0; i < n; i++) {
		printf(" %s%s", entries[i]->d_name, entries[i]->d_type == DT_DIR ? "/" : entries[i]->d_type == DT_LNK ? "@" : "");
		free(entries[i]);
	}
	putchar('\n');
	free(entries);
}

int main(void)
{
	char dir[512], target[64] = { 0 };
	const char *base = getenv("TMPDIR");
	struct stat st;

	snprintf(dir, sizeof(dir), "%s/faultline.XXXXXX", base ? base : "/tmp");
	if (!mkdtemp(dir) || chdir(dir))
		return 1;
	umask(022);
	list(".");
	for (int i = 0; i < 300; i++) {
		char name[32];
		snprintf(name, sizeof(name), "file-%03d-with-a-longer-name", i);
		close(open(name, O_CREAT | O_WRONLY | O_EXCL, 0666));
	}
	DIR *d = opendir(".");
	int n = 0;
	while (readdir(d))
		n++;
	rewinddir(d);
	while (readdir(d))
		n++;
	closedir(d);
	printf("read twice: %d\n", n);
	for (int i = 0; i < 300; i++) {
		char name[32];
		snprintf(name, sizeof(name), "file-%03d-with-a-longer-name", i);
		unlink(name);
	}
	show("mkdir", mkdir("sub", 0777));
	show("mkdir again", mkdir("sub", 0777));
	int fd = open("sub/a", O_CREAT | O_RDWR, 0640);
	show("open O_CREAT|O_EXCL of an old file", open("sub/a", O_CREAT | O_EXCL | O_RDWR, 0640));
	write(fd, "content", 7);
	show("symlink", symlink("sub/a", "link"));
	show("link", link("sub/a", "hard"));
	show("readlink", readlink("link", target, sizeof(target)));
	printf("%s\n", target);
	list(".");
	stat("link", &st);
	printf("stat: mode %o links %ld size %ld\n", st.st_mode, (long)st.st_nlink, (long)st.st_size);
	lstat("link", &st);
	printf("lstat: mode %o size %ld\n", st.st_mode, (long)st.st_size);
	show("rename", rename("hard", "sub/b"));
	show("rename onto a directory", rename("link", "sub"));
	show("rmdir of a full directory", rmdir("sub"));
	show("unlink of a directory", unlink("sub"));
	show("open O_NOFOLLOW of a link", open("link", O_RDONLY | O_NOFOLLOW));
	show("chmod", chmod("sub/a", 0400));
	show("access", access("sub/a", F_OK));
	show("access of nothing", access("sub/c", F_OK));
	int at = open("sub", O_RDONLY | O_DIRECTORY);
	show("openat", openat(at, "b", O_RDONLY) > 0 ? 0 : -1);
	show("openat relative to a file", openat(fd, "b", O_RDONLY));
	show("unlinkat", unlinkat(at, "b", 0));
	show("fstatat", fstatat(at, "a", &st, 0));
	printf("links %ld\n", (long)st.st_nlink);
	show("chdir", chdir("sub"));
	char now[512];
	printf("getcwd ends in /sub: %d\n", getcwd(now, sizeof(now)) && strcmp(now + strlen(now) - 4, "/sub") == 0);
	show("getcwd too small", syscall(79, now, 3));
	show("chdir to a file", chdir("a"));
	unlink("a");
	pread(fd, target, 7, 0);
	printf("unlinked file still reads %.7s\n", target);
	chdir("..");
	show("rmdir", rmdir("sub"));
	unlink("link");
	list(".");
	chdir("/");
	show("rmdir of the directory itself", rmdir(dir));
	return 0;
}
