/* Code that rewrites itself on a writable and executable page: x86 runs the new bytes at once, no flush needed. */
#include "observe.h"

typedef int (*function)(void);

/* mov eax, value; ret */
static void emit(unsigned char *at, int value)
{
	at[0] = 0xb8;
	memcpy(at + 1, &value, 4);
	at[5] = 0xc3;
}

int main(void)
{
	unsigned char *page = map(4 * PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS);
	int wrong = 0;

	for (int i = 0; i < 2000; i++) {
		emit(page + 100, i);
		wrong += ((function)(page + 100))() != i;
	}
	printf("rewritten between calls: %d wrong\n", wrong);
	wrong = 0;
	for (int i = 0; i < 500; i++) {
		unsigned char *at = page + PAGE - 3;	/* across two pages */
		emit(at, i * 7);
		wrong += ((function)at)() != i * 7;
	}
	printf("across two pages: %d wrong\n", wrong);

	/* loop: inc dword [rip+value of the mov below]; a later instruction of another block is patched by an earlier one */
	static const unsigned char loop[] = {
		0x31, 0xc9,				/*     xor  ecx, ecx               */
		0x31, 0xd2,				/*     xor  edx, edx               */
		0x48, 0x8d, 0x35, 0x0b, 0, 0, 0,	/*     lea  rsi, [rip + patch + 1] */
		0x89, 0x0e,				/* top: mov  [rsi], ecx            */
		0xeb, 0x00,				/*     jmp  next                   */
		0x90, 0x90, 0x90, 0x90, 0x90, 0x90,	/* next: nops                      */
		0xb8, 0, 0, 0, 0,			/*     mov  eax, patched           */
		0x01, 0xc2,				/*     add  edx, eax               */
		0xff, 0xc1,				/*     inc  ecx                    */
		0x83, 0xf9, 100,			/*     cmp  ecx, 100               */
		0x75, 0xe8,				/*     jne  top                    */
		0x89, 0xd0,				/*     mov  eax, edx               */
		0xc3,
	};
	memcpy(page + 2 * PAGE, loop, sizeof(loop));
	printf("patches itself in a loop: %d\n", ((function)(page + 2 * PAGE))());
	return 0;
}
