/* cuFFT, loaded when it is first called: it takes 4 ms of the 35 that `import cv2` takes. */

#define LIBRARY lazy_cufft
#define FILES CUFFT_SONAME
#define NOT_THERE 7 /* CUFFT_SETUP_FAILED */
#define FUNCTIONS(each) \
  each(0, cufftPlan1d) each(1, cufftPlan2d) each(2, cufftSetStream) each(3, cufftDestroy) \
  each(4, cufftExecC2C) each(5, cufftExecC2R) each(6, cufftExecR2C)

#include "entries.h"
