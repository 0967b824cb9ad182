/* Copies stdin to stdout until end of file, with read and write as they come. */
#include "observe.h"

int main(void)
{
	char buffer[1000];
	ssize_t got;
	long total = 0;

	while ((got = read(0, buffer, sizeof(buffer))) > 0) {
		total += got;
		if (write(1, buffer, got) != got)
			return 1;
	}
	printf("%ld bytes, then %s\n", total, got ? strerrorname_np(errno) : "end of file");
	return 0;
}
