/* cuBLAS, loaded when it is first called.

   Loading libcublas and libcublasLt takes 60 ms of CPU (half a million relocations, 30 MB of tables),
   which is three times what all else of `import cv2` takes; most programs never multiply matrices on
   the GPU. */

#define LIBRARY lazy_cublas
#define FILES CUBLASLT_SONAME, CUBLAS_SONAME
#define NOT_THERE 1 /* CUBLAS_STATUS_NOT_INITIALIZED */
#define FUNCTIONS(each) \
  each(0, cublasCreate_v2) each(1, cublasDestroy_v2) each(2, cublasSetStream_v2) \
  each(3, cublasSetPointerMode_v2) each(4, cublasSgemm_v2) each(5, cublasDgemm_v2) \
  each(6, cublasCgemm_v2) each(7, cublasZgemm_v2) each(8, cublasHgemm) \
  each(9, cublasSgemmBatched) each(10, cublasHgemmBatched) \
  each(11, cublasSgemmStridedBatched) each(12, cublasHgemmStridedBatched)

#include "entries.h"
