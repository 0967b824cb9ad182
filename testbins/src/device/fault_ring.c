/*
 * Maps /dev/faultline, a ring of page-fault records that the kernel writes, and finds the program's own faults in it. Only Faultline has
 * that device: with another kernel it says so and ends with status 77.
 */
#include "observe.h"
#include <fcntl.h>
#include <stdatomic.h>

struct header {
	char magic[8];
	uint32_t version, record_size;
	uint64_t room, first;
	_Atomic uint64_t head;
};

struct record {
	uint64_t number, nanos, address, ip;
	uint32_t pid, tid, error_code, result, signal, path;
	uint64_t took;
};

static const struct header *header;

static const struct record *record(uint64_t n)
{
	return (const void *)((const char *)header + header->first + n % header->room * header->record_size);
}

int main(void)
{
	int fd = open("/dev/faultline", O_RDONLY);

	if (fd < 0) {
		printf("no /dev/faultline: %s\n", strerrorname_np(errno));
		return 77;
	}
	size_t bytes = 65 * PAGE;
	header = mmap(NULL, bytes, PROT_READ, MAP_SHARED, fd, 0);
	if (header == MAP_FAILED) {
		printf("mmap: %s\n", strerrorname_np(errno));
		return 1;
	}
	printf("magic %.8s, version %u, records of %u bytes, room for %llu\n", header->magic, header->version, header->record_size,
	       (unsigned long long)header->room);

	char *p = map_private(8 * PAGE);
	uint64_t before = header->head;
	for (int i = 0; i < 8; i++)
		p[i * PAGE + 8 * i] = 1;
	uint64_t after = header->head;
	int exact = 0;
	for (uint64_t n = before; n < after; n++) {
		const struct record *r = record(n);
		size_t page = (r->address - (uint64_t)p) / PAGE;

		if (page < 8 && r->number == n && r->address == (uint64_t)p + page * PAGE + 8 * page && r->pid == (uint32_t)getpid()
		    && r->error_code == 6 && r->result == 0 && r->ip != 0)
			exact++;
	}
	printf("8 pages written: %d faults found\n", exact);

	printf("all and one page more: %s\n", outcome((long)mmap(NULL, bytes + PAGE, PROT_READ, MAP_SHARED, fd, 0)));
	printf("past the end: %s\n", outcome((long)mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 65 * PAGE)));
	printf("private: %s\n", outcome((long)mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0)));
	printf("writable, though opened for reading: %s\n", outcome((long)mmap(NULL, PAGE, PROT_WRITE, MAP_SHARED, fd, 0)));
	printf("mprotect of it to writing: %s\n", outcome(mprotect((void *)header, bytes, PROT_READ | PROT_WRITE)));
	char c;
	printf("read: %s\n", outcome(read(fd, &c, 1)));

	char line[256];
	int lines = 0;
	FILE *maps = fopen("/proc/self/maps", "r");
	while (maps && fgets(line, sizeof(line), maps))
		lines += strstr(line, " r--s ") && strstr(line, "/dev/faultline");
	printf("lines of maps: %d\n", lines);

	close(fd);
	after = header->head;
	p = map_private(PAGE);
	*p = 1;
	printf("after close: %llu faults, the ring is still there: %.8s\n", (unsigned long long)(header->head - after), header->magic);
	return exact != 8;
}
