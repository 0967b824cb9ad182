/* argv and envp arrive as given, end in NULL, and lie one after the other on the stack, strings above pointers. */
#include "observe.h"

extern char **environ;

int main(int argc, char **argv)
{
	for (int i = 0; i < argc; i++)
		printf("argv[%d] = %s\n", i, i == 0 ? strrchr(argv[0], '/') : argv[i]);
	printf("argv[argc] is %s\n", argv[argc] ? "set" : "NULL");
	printf("environ follows argv: %s\n", environ == argv + argc + 1 ? "yes" : "no");
	for (char **e = environ; *e; e++)
		if (strncmp(*e, "FAULTLINE_TEST", 14) == 0)
			printf("%s\n", *e);
	printf("strings above pointers: %s\n", argv[0] > (char *)environ ? "yes" : "no");
	printf("environment after arguments: %s\n", environ[0] == argv[argc - 1] + strlen(argv[argc - 1]) + 1 ? "yes" : "no");
	return 40 + argc;
}
