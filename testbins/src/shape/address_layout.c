/*
 * Where things lie: program below heap below mappings below stack; new mappings below older ones, next to each other,
 * and in the lowest hole from the top that is big enough.
 */
#include "observe.h"

static int data = 1;

int main(void)
{
	int local;
	char *heap = sbrk(0);
	char *a = map(5 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS);
	char *b = map(3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
	char *c = map(4 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS);

	printf("code < data: %d\n", (char *)main < (char *)&data);
	printf("data < heap: %d\n", (char *)&data < heap);
	printf("heap < mappings: %d\n", heap < a);
	printf("mappings < stack: %d\n", a < (char *)&local);
	printf("program at its own address: %d\n", (uintptr_t)main >= 0x400000 && (uintptr_t)main < 0x800000);
	printf("stack in the top: %d\n", (uintptr_t)&local >= 0x7ff000000000);
	printf("second right below the first: %d, third: %d\n", b + 3 * PAGE == a, c + 4 * PAGE == b);
	munmap(b, 3 * PAGE);
	char *d = map(4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
	printf("too big for the hole, goes below: %d\n", d + 4 * PAGE == c);
	char *e = map(2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
	printf("fits in the hole, at its upper end: %d\n", e + 2 * PAGE == a);
	char *f = map(PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
	printf("rest of the hole: %d\n", f == b);
	char *big = map(1UL << 32, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE);
	printf("4 GiB goes below all: %d\n", big + (1UL << 32) <= d);
	return 0;
}
