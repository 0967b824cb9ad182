/* Mounts of the host by who may: host_mounts DIR, after a look at the control groups, which are the machine's own. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

static void tell(const char *what, int result)
{
	printf("%s: %s\n", what, result < 0 ? strerrorname_np(errno) : "ok");
}

int main(int argc, char **argv)
{
	struct stat st;
	int fd;

	if (argc != 2 || chdir(argv[1]))
		return 1;
	stat("/sys/fs/cgroup", &st);
	mkdir("tree", 0755);
	mkdir("again", 0755);
	tell("mount", mount("source", "tree", "tmpfs", 0, "size=64k"));
	fd = open("tree/file", O_CREAT | O_RDWR, 0600);
	tell("open", fd);
	tell("bind", mount("tree", "again", NULL, MS_BIND, NULL));
	tell("seen there", access("again/file", F_OK));
	tell("umount of the bind", umount2("again", 0));
	tell("seen still", access("again/file", F_OK));
	tell("umount while open", umount("tree"));
	close(fd);
	tell("umount", umount2("tree", UMOUNT_NOFOLLOW));
	tell("umount again", umount("tree"));
	tell("seen still", access("tree/file", F_OK));
	tell("unknown type", mount("source", "tree", "nosuchfs", 0, NULL));
	tell("no block device", mount("../nothing/there", "tree", "ext4", 0, NULL));
	return rmdir("tree") || rmdir("again");
}
