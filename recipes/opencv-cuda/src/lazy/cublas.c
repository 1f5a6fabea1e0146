/* cuBLAS, loaded when it is first called.

   Loading libcublas and libcublasLt takes 60 ms of CPU (half a million relocations, 30 MB of tables),
   which is three times what all else of `import cv2` takes; most programs never multiply matrices on
   the GPU. So the extension is linked with these entries instead: each jumps to the function of its
   name, which the first call looks up in the library that the extension's run path finds, or that
   the process has already.

   Where it is not there, or has not the function, the answer is CUBLAS_STATUS_NOT_INITIALIZED, which
   OpenCV raises as an error. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>

#ifndef __x86_64__
#error "the entries are written for x86-64"
#endif

/* Every function that OpenCV calls; one that is missing here is an undefined symbol of the wheel. */
#define FUNCTIONS(each) \
  each(0, cublasCreate_v2) each(1, cublasDestroy_v2) each(2, cublasSetStream_v2) \
  each(3, cublasSetPointerMode_v2) each(4, cublasSgemm_v2) each(5, cublasDgemm_v2) \
  each(6, cublasCgemm_v2) each(7, cublasZgemm_v2) each(8, cublasHgemm) \
  each(9, cublasSgemmBatched) each(10, cublasHgemmBatched) \
  each(11, cublasSgemmStridedBatched) each(12, cublasHgemmStridedBatched)

#define NAME(index, name) #name,
static const char *const names[] = {FUNCTIONS(NAME)};

enum { NOT_INITIALIZED = 1 };
static int not_there(void) { return NOT_INITIALIZED; }

__attribute__((visibility("hidden"))) void *lazy_cublas_found[sizeof names / sizeof *names];

/* The function of an index, kept for the next call. Threads that come at once find the same. */
__attribute__((visibility("hidden"))) void *lazy_cublas_find(uint64_t index) {
  void *library = dlopen(CUBLAS_SONAME, RTLD_LAZY | RTLD_LOCAL);
  void *function = library ? dlsym(library, names[index]) : 0;
  if (!function) return (void *)not_there;
  __atomic_store_n(&lazy_cublas_found[index], function, __ATOMIC_RELEASE);
  return function;
}

#define ENTRY(index, name) \
  __asm__(".text\n.p2align 4\n.globl " #name "\n.hidden " #name "\n.type " #name ", @function\n" \
          #name ":\n  .cfi_startproc\n  endbr64\n" \
          "  movq lazy_cublas_found+8*" #index "(%rip), %r11\n" \
          "  testq %r11, %r11\n  jz 1f\n  jmp *%r11\n" \
          "1: movl $" #index ", %eax\n  jmp lazy_cublas_first\n  .cfi_endproc\n" \
          ".size " #name ", .-" #name "\n");
FUNCTIONS(ENTRY)

/* The first call of a function: whatever it was given in registers stays as it was. */
__asm__(".text\n.p2align 4\n.type lazy_cublas_first, @function\nlazy_cublas_first:\n"
        "  .cfi_startproc\n"
        "  pushq %rdi\n  .cfi_adjust_cfa_offset 8\n  pushq %rsi\n  .cfi_adjust_cfa_offset 8\n"
        "  pushq %rdx\n  .cfi_adjust_cfa_offset 8\n  pushq %rcx\n  .cfi_adjust_cfa_offset 8\n"
        "  pushq %r8\n  .cfi_adjust_cfa_offset 8\n  pushq %r9\n  .cfi_adjust_cfa_offset 8\n"
        "  subq $136, %rsp\n  .cfi_adjust_cfa_offset 136\n" /* and the stack is aligned to 16 */
        "  movups %xmm0, (%rsp)\n  movups %xmm1, 16(%rsp)\n  movups %xmm2, 32(%rsp)\n"
        "  movups %xmm3, 48(%rsp)\n  movups %xmm4, 64(%rsp)\n  movups %xmm5, 80(%rsp)\n"
        "  movups %xmm6, 96(%rsp)\n  movups %xmm7, 112(%rsp)\n"
        "  movl %eax, %edi\n  call lazy_cublas_find\n  movq %rax, %r11\n"
        "  movups (%rsp), %xmm0\n  movups 16(%rsp), %xmm1\n  movups 32(%rsp), %xmm2\n"
        "  movups 48(%rsp), %xmm3\n  movups 64(%rsp), %xmm4\n  movups 80(%rsp), %xmm5\n"
        "  movups 96(%rsp), %xmm6\n  movups 112(%rsp), %xmm7\n"
        "  addq $136, %rsp\n  .cfi_adjust_cfa_offset -136\n"
        "  popq %r9\n  .cfi_adjust_cfa_offset -8\n  popq %r8\n  .cfi_adjust_cfa_offset -8\n"
        "  popq %rcx\n  .cfi_adjust_cfa_offset -8\n  popq %rdx\n  .cfi_adjust_cfa_offset -8\n"
        "  popq %rsi\n  .cfi_adjust_cfa_offset -8\n  popq %rdi\n  .cfi_adjust_cfa_offset -8\n"
        "  jmp *%r11\n  .cfi_endproc\n.size lazy_cublas_first, .-lazy_cublas_first\n");
