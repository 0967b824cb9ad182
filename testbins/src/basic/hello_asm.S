/*
 * libc: none
 * No C library at all. At entry rsp is 16-byte aligned and points at argc; all other registers are 0 on Linux.
 */
	.globl _start
	.section .rodata
text:	.ascii "hello from assembly\n"
end:
	.text
_start:
	mov	%rax, %rdi
	or	%rbx, %rdi
	or	%rcx, %rdi
	or	%rdx, %rdi
	or	%rsi, %rdi
	or	%rbp, %rdi
	or	%r8, %rdi
	or	%r15, %rdi
	mov	%rdi, %r12			# 0 unless the kernel left something
	mov	%rsp, %r13
	and	$15, %r13			# 0: aligned
	mov	$1, %eax			# write(1, text, length)
	mov	$1, %edi
	lea	text(%rip), %rsi
	mov	$end - text, %edx
	syscall
	mov	$231, %eax			# exit_group(7 + what should be 0)
	lea	7(%r12, %r13), %rdi
	syscall
	hlt
	.section .note.GNU-stack, "", @progbits
