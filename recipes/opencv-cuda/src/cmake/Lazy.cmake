# cuBLAS, loaded when it is first called (src/lazy/cublas.c says why).
#
# The targets have the names that CMake's FindCUDAToolkit gives to the shared libraries, and exist
# before it looks, so that OpenCV links the entries without knowing.

set(WHEELHOUSE_LAZY "")
if(NOT WITH_CUBLAS)
  return()
endif()

string(REGEX MATCH "^[0-9]+" cuda_major "${WHEELHOUSE_CUDA_VERSION}")
set(WHEELHOUSE_LAZY "libcublas.so.${cuda_major}")

add_library(lazy_cublas STATIC EXCLUDE_FROM_ALL "${CMAKE_CURRENT_SOURCE_DIR}/src/lazy/cublas.c")
set_target_properties(lazy_cublas PROPERTIES
  POSITION_INDEPENDENT_CODE ON
  ARCHIVE_OUTPUT_DIRECTORY "${CMAKE_CURRENT_BINARY_DIR}/lazy")
target_compile_definitions(lazy_cublas PRIVATE "CUBLAS_SONAME=\"${WHEELHOUSE_LAZY}\"")

cmake_path(GET CMAKE_CUDA_COMPILER PARENT_PATH cuda_programs)
cmake_path(GET cuda_programs PARENT_PATH cuda_prefix)
# OpenCV names cublasLt as well, and calls nothing of it.
foreach(library cublas cublasLt)
  add_library(CUDA::${library} STATIC IMPORTED GLOBAL)
  set_target_properties(CUDA::${library} PROPERTIES
    IMPORTED_LOCATION "${CMAKE_CURRENT_BINARY_DIR}/lazy/liblazy_cublas.a"
    INTERFACE_LINK_LIBRARIES "${CMAKE_DL_LIBS}")
  # As FindCUDAToolkit has it, so that the commands that compile are the same.
  target_include_directories(CUDA::${library} SYSTEM INTERFACE "${cuda_prefix}/include")
  add_dependencies(CUDA::${library} lazy_cublas)
endforeach()
