/* The C library's files: buffering, seeking, printf and scanf, line by line, and malloc of many sizes around it. */
#include "observe.h"

int main(void)
{
	FILE *f = tmpfile();
	char line[100], *longer = NULL;
	size_t room = 0;
	double value;
	unsigned long hash = 5381;

	for (int i = 0; i < 20000; i++)
		fprintf(f, "line %d is %.3f and %s\n", i, i / 7.0, i % 2 ? "odd" : "even");
	printf("length %ld\n", ftell(f));
	rewind(f);
	int lines = 0, number;
	double total = 0;
	char word[8];
	while (fscanf(f, "line %d is %lf and %7s\n", &number, &value, word) == 3) {
		lines++;
		total += value;
	}
	printf("lines %d total %.3f\n", lines, total);
	fseek(f, 1234, SEEK_SET);
	fputs("OVERWRITTEN", f);
	fseek(f, 1230, SEEK_SET);
	fread(line, 1, 20, f);
	line[20] = 0;
	printf("%zu characters around it\n", strlen(line));
	rewind(f);
	while (getline(&longer, &room, f) > 0)
		for (char *c = longer; *c; c++)
			hash = hash * 33 + (unsigned char)*c;
	printf("hash %#lx\n", hash);
	fclose(f);

	char *blocks[200];
	unsigned long check = 0;
	for (int round = 0; round < 20; round++) {
		for (int i = 0; i < 200; i++) {
			size_t size = (size_t)(i * 37 % 101) * (i % 10 == 0 ? 4001 : 17) + 1;
			blocks[i] = malloc(size);
			memset(blocks[i], i, size);
			if (i % 3 == 0)
				blocks[i] = realloc(blocks[i], size * 3);
		}
		for (int i = 0; i < 200; i++) {
			check = check * 31 + (unsigned char)blocks[i][0];
			free(blocks[i]);
		}
	}
	printf("blocks %#lx\n", check);
	free(longer);
	return 0;
}
