# Every setting of OpenCV's build. A profile (recipe.toml) comes as -D and goes before what stands here.

# OpenCV 4.14 was written before these policies.
set(CMAKE_POLICY_DEFAULT_CMP0074 NEW)  # CUDAToolkit_ROOT is meant
set(CMAKE_POLICY_DEFAULT_CMP0218 OLD)
set(CMAKE_POLICY_DEFAULT_CMP0219 OLD)

function(setting name value)
  set(${name} "${value}" CACHE STRING "" )
endfunction()

function(switch value)
  foreach(name IN LISTS ARGN)
    set(${name} ${value} CACHE BOOL "")
  endforeach()
endfunction()

# --- modules -----------------------------------------------------------------------------------------
setting(OPENCV_EXTRA_MODULES_PATH "${upstream}/opencv_contrib/modules")
# Empty means all that can be built here; what cannot is asked to be off, so that it is no accident.
setting(BUILD_LIST "")
switch(OFF
  BUILD_opencv_apps BUILD_opencv_java BUILD_opencv_js BUILD_opencv_world BUILD_opencv_ts
  BUILD_opencv_java_bindings_generator BUILD_opencv_js_bindings_generator
  BUILD_opencv_objc_bindings_generator
  BUILD_opencv_python_tests
  BUILD_opencv_cudacodec   # NVIDIA's Video Codec SDK is behind a login
  BUILD_opencv_gapi        # needs ADE: Native.cmake switches it on
  BUILD_opencv_alphamat    # needs Eigen
  BUILD_opencv_cvv BUILD_opencv_viz BUILD_opencv_ovis BUILD_opencv_cnn_3dobj  # windows (Qt, VTK, Ogre)
  BUILD_opencv_freetype BUILD_opencv_hdf BUILD_opencv_sfm BUILD_opencv_julia BUILD_opencv_matlab
  BUILD_opencv_dnns_easily_fooled BUILD_opencv_fastcv BUILD_opencv_cannops
)
switch(OFF
  BUILD_TESTS BUILD_PERF_TESTS BUILD_EXAMPLES BUILD_DOCS BUILD_JAVA BUILD_PACKAGE
  OPENCV_GENERATE_SETUPVARS ENABLE_PYLINT ENABLE_FLAKE8
)
switch(OFF OPENCV_ENABLE_NONFREE)  # patented algorithms (xfeatures2d's SURF)

# --- static inside, shared outside -------------------------------------------------------------------
switch(OFF BUILD_SHARED_LIBS)
switch(ON ENABLE_PIC)
switch(OFF ENABLE_LTO ENABLE_PRECOMPILED_HEADERS ENABLE_CCACHE)  # the builder has its own compile cache

# --- bundled libraries: built from OpenCV's own sources, never the machine's --------------------------
switch(ON
  OPENCV_DISABLE_PKG_CONFIG
  BUILD_ZLIB BUILD_JPEG BUILD_PNG BUILD_TIFF BUILD_WEBP BUILD_OPENJPEG BUILD_OPENEXR
  BUILD_PROTOBUF BUILD_ITT
  WITH_JPEG WITH_PNG WITH_TIFF WITH_WEBP WITH_OPENJPEG WITH_OPENEXR WITH_PROTOBUF WITH_FLATBUFFERS
)
switch(OFF WITH_JASPER)    # JPEG 2000 is OpenJPEG's
# libjpeg-turbo's assembler: with the nasm that native libraries are built with, never the machine's.
if(EXISTS "${WHEELHOUSE_NATIVE_PREFIX}/bin/nasm")
  setting(CMAKE_ASM_NASM_COMPILER "${WHEELHOUSE_NATIVE_PREFIX}/bin/nasm")
  switch(ON ENABLE_LIBJPEG_TURBO_SIMD)
else()
  switch(OFF ENABLE_LIBJPEG_TURBO_SIMD)
endif()
switch(OFF
  WITH_IPP                 # downloaded (IPPICV)
  WITH_ADE WITH_AVIF WITH_FFMPEG  # recipes of their own: Native.cmake switches them on
  WITH_LAPACK WITH_EIGEN   # not bundled; OpenCV has its own decompositions
  WITH_1394 WITH_ARAVIS WITH_GPHOTO2 WITH_GSTREAMER WITH_UEYE WITH_XIMEA
  WITH_GTK WITH_QT WITH_VTK WITH_OPENGL WITH_WAYLAND WITH_FRAMEBUFFER  # headless
  WITH_VA WITH_VA_INTEL WITH_MFX WITH_OPENCLAMDFFT WITH_OPENCLAMDBLAS
  WITH_GDAL WITH_GDCM WITH_TBB WITH_OPENMP WITH_HPX WITH_OPENVINO WITH_HALIDE WITH_VULKAN
  WITH_CLP WITH_JPEGXL WITH_ONNX WITH_SPNG WITH_ZLIB_NG
  OPENCV_PYTHON_SKIP_LINKER_EXCLUDE_LIBS
)
switch(ON WITH_PTHREADS_PF WITH_V4L WITH_OBSENSOR WITH_ITT CV_TRACE)
switch(ON WITH_OPENCL)     # headers are bundled, the library is looked for at run time
# Belongs to xfeatures2d: tables of BoostDesc and VGG, downloaded; the other descriptors need none.
switch(ON OPENCV_SKIP_FEATURES2D_DOWNLOADING)

# --- CPU: OpenCV's own baseline; every later instruction set is chosen at run time ---------------------
# Without SSE4.1, SSE4.2 and FP16: what has code for them has code for AVX2, too, which every CPU since
# 2013 to 2015 takes instead. They are 18 of the dearest C++ files, and a megabyte.
setting(CPU_BASELINE "SSE3")
setting(CPU_DISPATCH "AVX;AVX2;AVX512_SKX")

# --- CUDA ----------------------------------------------------------------------------------------------
switch(ON WITH_CUDA WITH_CUBLAS WITH_CUFFT WITH_CUDNN OPENCV_DNN_CUDA)
# A language of CMake's, so that the compile cache's launcher stands before nvcc as well.
switch(ON ENABLE_CUDA_FIRST_CLASS_LANGUAGE)
switch(ON OPENCV_CUDA_SHARED_LIBS)  # ours: patches/0001
switch(OFF WITH_NVCUVID WITH_NVCUVENC)
# Off as OpenCV has it: approximate division and flush-to-zero would make GPU and CPU answers differ.
switch(OFF CUDA_FAST_MATH)
# The driver unpacks a kernel when it is first used: a sixth of the size on disk, nine tenths in a wheel.
string(APPEND CMAKE_CUDA_FLAGS " -Xfatbin=-compress-all")
setting(CUDA_ARCH_BIN "${WHEELHOUSE_CUDA_ARCH_BIN}")
setting(CUDA_ARCH_PTX "${WHEELHOUSE_CUDA_ARCH_PTX}")
set(CMAKE_CUDA_ARCHITECTURES "")  # OpenCV appends to it

# --- Python: the limited API of the toolchain's headers, not of the Python that runs this build ------
find_package(Python3 REQUIRED COMPONENTS Interpreter)
if(DEFINED ENV{WHEELHOUSE_PYTHON_INCLUDE})
  setting(WHEELHOUSE_PYTHON_INCLUDE "$ENV{WHEELHOUSE_PYTHON_INCLUDE}")
endif()
if(NOT EXISTS "${WHEELHOUSE_PYTHON_INCLUDE}/patchlevel.h")
  message(FATAL_ERROR "no Python.h: WHEELHOUSE_PYTHON_INCLUDE is '${WHEELHOUSE_PYTHON_INCLUDE}'")
endif()
switch(ON OPENCV_PYTHON_SKIP_DETECTION PYTHON3_LIMITED_API)
switch(OFF BUILD_opencv_python2)
setting(PYTHON3_LIMITED_API_VERSION 0x03090000)
set(PYTHON3INTERP_FOUND TRUE)
set(PYTHON3_EXECUTABLE "${Python3_EXECUTABLE}")
set(PYTHON3_VERSION_STRING 3.9)
set(PYTHON3_VERSION_MAJOR 3)
set(PYTHON3_VERSION_MINOR 9)
set(PYTHON3_INCLUDE_PATH "${WHEELHOUSE_PYTHON_INCLUDE}")
set(PYTHON3_CVPY_SUFFIX ".abi3.so")
# numpy 2 headers make an extension that runs with numpy 1.19 and later, 1.x and 2.x alike.
set(PYTHON3_NUMPY_INCLUDE_DIRS "${CMAKE_CURRENT_SOURCE_DIR}/sources/numpy/numpy/_core/include")
set(PYTHON3_NUMPY_VERSION 2.0)
set(PYTHON_DEFAULT_AVAILABLE TRUE)
set(PYTHON_DEFAULT_EXECUTABLE "${Python3_EXECUTABLE}")
setting(OPENCV_PYTHON3_INSTALL_PATH "unused")  # src/cmake/Package.cmake installs

# --- the same bytes whatever machine and folder ----------------------------------------------------------
switch(ON BUILD_INFO_SKIP_TIMESTAMP BUILD_INFO_SKIP_SYSTEM_VERSION BUILD_INFO_SKIP_EXTRA_MODULES)
switch(ON OPENCV_SKIP_STATUS_FINALIZATION)  # src/cmake/BuildInformation.cmake writes it
setting(OPENCV_VCSVERSION "unknown")
# The last one that fits goes first: an error then names opencv/modules/core/src/matrix.cpp.
foreach(language C CXX)
  string(APPEND CMAKE_${language}_FLAGS
    " -ffile-prefix-map=${CMAKE_CURRENT_SOURCE_DIR}/="
    " -ffile-prefix-map=${CMAKE_CURRENT_BINARY_DIR}/=build/"
    " -ffile-prefix-map=${upstream}/=")
endforeach()
