/* Entries of a library that is loaded when one of its functions is first called.

   The extension is linked with these entries instead of the library: each jumps to the function of
   its name, which the first call looks up in the library that the extension's run path finds, or
   that the process has already. Where it is not there, or has not the function, the answer is a
   status that OpenCV raises as an error.

   Whoever includes this defines
   - LIBRARY: how the names of its symbols begin, lazy_cublas
   - FUNCTIONS(each): every function that OpenCV calls, with its index; one that is missing there is
     an undefined symbol of the wheel
   - FILES: the library's soname, after those of what it needs: by its own run path LD_LIBRARY_PATH
     would come first
   - NOT_THERE: the status */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>

#ifndef __x86_64__
#error "the entries are written for x86-64"
#endif

#define JOIN_(library, what) library##_##what
#define JOIN(library, what) JOIN_(library, what)
#define TEXT_(name) #name
#define TEXT(name) TEXT_(name)
#define OUR(what) TEXT(JOIN(LIBRARY, what))

#define NAME(index, name) #name,
static const char *const names[] = {FUNCTIONS(NAME)};
static const char *const files[] = {FILES};

static int not_there(void) { return NOT_THERE; }

__attribute__((visibility("hidden"))) void *JOIN(LIBRARY, found)[sizeof names / sizeof *names];

/* The function of an index, kept for the next call. Threads that come at once find the same. */
__attribute__((visibility("hidden"))) void *JOIN(LIBRARY, find)(uint64_t index) {
  void *library = 0;
  for (unsigned one = 0; one < sizeof files / sizeof *files; one++)
    library = dlopen(files[one], RTLD_LAZY | RTLD_LOCAL);
  void *function = library ? dlsym(library, names[index]) : 0;
  if (!function) return (void *)not_there;
  __atomic_store_n(&JOIN(LIBRARY, found)[index], function, __ATOMIC_RELEASE);
  return function;
}

#define ENTRY(index, name) \
  __asm__(".text\n.p2align 4\n.globl " #name "\n.hidden " #name "\n.type " #name ", @function\n" \
          #name ":\n  .cfi_startproc\n  endbr64\n" \
          "  movq " OUR(found) "+8*" #index "(%rip), %r11\n" \
          "  testq %r11, %r11\n  jz 1f\n  jmp *%r11\n" \
          "1: movl $" #index ", %eax\n  jmp " OUR(first) "\n  .cfi_endproc\n" \
          ".size " #name ", .-" #name "\n");
FUNCTIONS(ENTRY)

/* The first call of a function: whatever it was given in registers stays as it was. */
__asm__(".text\n.p2align 4\n.type " OUR(first) ", @function\n" OUR(first) ":\n"
        "  .cfi_startproc\n"
        "  pushq %rdi\n  .cfi_adjust_cfa_offset 8\n  pushq %rsi\n  .cfi_adjust_cfa_offset 8\n"
        "  pushq %rdx\n  .cfi_adjust_cfa_offset 8\n  pushq %rcx\n  .cfi_adjust_cfa_offset 8\n"
        "  pushq %r8\n  .cfi_adjust_cfa_offset 8\n  pushq %r9\n  .cfi_adjust_cfa_offset 8\n"
        "  subq $136, %rsp\n  .cfi_adjust_cfa_offset 136\n" /* and the stack is aligned to 16 */
        "  movups %xmm0, (%rsp)\n  movups %xmm1, 16(%rsp)\n  movups %xmm2, 32(%rsp)\n"
        "  movups %xmm3, 48(%rsp)\n  movups %xmm4, 64(%rsp)\n  movups %xmm5, 80(%rsp)\n"
        "  movups %xmm6, 96(%rsp)\n  movups %xmm7, 112(%rsp)\n"
        "  movl %eax, %edi\n  call " OUR(find) "\n  movq %rax, %r11\n"
        "  movups (%rsp), %xmm0\n  movups 16(%rsp), %xmm1\n  movups 32(%rsp), %xmm2\n"
        "  movups 48(%rsp), %xmm3\n  movups 64(%rsp), %xmm4\n  movups 80(%rsp), %xmm5\n"
        "  movups 96(%rsp), %xmm6\n  movups 112(%rsp), %xmm7\n"
        "  addq $136, %rsp\n  .cfi_adjust_cfa_offset -136\n"
        "  popq %r9\n  .cfi_adjust_cfa_offset -8\n  popq %r8\n  .cfi_adjust_cfa_offset -8\n"
        "  popq %rcx\n  .cfi_adjust_cfa_offset -8\n  popq %rdx\n  .cfi_adjust_cfa_offset -8\n"
        "  popq %rsi\n  .cfi_adjust_cfa_offset -8\n  popq %rdi\n  .cfi_adjust_cfa_offset -8\n"
        "  jmp *%r11\n  .cfi_endproc\n.size " OUR(first) ", .-" OUR(first) "\n");
