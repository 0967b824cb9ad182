/* The auxiliary vector: what ld.so and libc learn from the kernel. Values that depend on the machine are only checked. */
#include "observe.h"
#include <link.h>
#include <sys/auxv.h>

extern const ElfW(Ehdr) __ehdr_start;
extern void _start(void);

int main(int argc, char **argv)
{
	const unsigned char *random = (const unsigned char *)getauxval(AT_RANDOM);
	int set = 0;

	for (int i = 0; i < 16; i++)
		set |= random[i];
	printf("AT_PAGESZ %lu\n", getauxval(AT_PAGESZ));
	printf("AT_CLKTCK %lu\n", getauxval(AT_CLKTCK));
	printf("AT_PHENT %lu AT_PHNUM right: %d\n", getauxval(AT_PHENT), getauxval(AT_PHNUM) == __ehdr_start.e_phnum);
	printf("AT_PHDR right: %d\n", getauxval(AT_PHDR) == (uintptr_t)&__ehdr_start + __ehdr_start.e_phoff);
	printf("AT_ENTRY right: %d\n", getauxval(AT_ENTRY) == (uintptr_t)_start);
	printf("AT_BASE %lu\n", getauxval(AT_BASE));
	printf("AT_SECURE %lu\n", getauxval(AT_SECURE));
	printf("ids right: %d\n", getauxval(AT_UID) == getuid() && getauxval(AT_EGID) == getegid());
	printf("AT_RANDOM set: %d, above argv: %d\n", set != 0, (char *)random > (char *)argv);
	printf("AT_EXECFN is argv[0]: %d\n", strcmp((char *)getauxval(AT_EXECFN), argv[0]) == 0);
	printf("AT_PLATFORM %s\n", (char *)getauxval(AT_PLATFORM));
	printf("argc below argv: %d\n", ((long *)argv)[-1] == argc);
	printf("brk above bss: %d\n", (char *)sbrk(0) > (char *)&printing);
	return 0;
}
