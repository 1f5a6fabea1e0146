# Libraries of NVIDIA's that are loaded when they are first called: src/lazy says which, and why.
#
# The targets have the names that CMake's FindCUDAToolkit gives to the shared libraries, and exist
# before it looks, so that OpenCV links the entries without knowing.

set(WHEELHOUSE_LAZY "")
cmake_path(GET CMAKE_CUDA_COMPILER PARENT_PATH cuda_programs)
cmake_path(GET cuda_programs PARENT_PATH cuda_prefix)

# The entries in src/lazy/<library>.c, for its target and those of the libraries that it needs.
function(wheelhouse_lazy library)
  set(entries lazy_${library})
  add_library(${entries} STATIC EXCLUDE_FROM_ALL "${CMAKE_CURRENT_SOURCE_DIR}/src/lazy/${library}.c")
  set_target_properties(${entries} PROPERTIES
    POSITION_INDEPENDENT_CODE ON
    ARCHIVE_OUTPUT_DIRECTORY "${CMAKE_CURRENT_BINARY_DIR}/lazy")
  foreach(name ${library} ${ARGN})
    file(GLOB soname RELATIVE "${cuda_prefix}/lib64" "${cuda_prefix}/lib64/lib${name}.so.*")
    list(FILTER soname INCLUDE REGEX "\\.so\\.[0-9]+$")
    if(NOT soname)
      message(FATAL_ERROR "lib${name}.so is not in ${cuda_prefix}/lib64")
    endif()
    string(TOUPPER "${name}_SONAME" variable)
    target_compile_definitions(${entries} PRIVATE "${variable}=\"${soname}\"")
    if(name STREQUAL library)
      set(WHEELHOUSE_LAZY ${WHEELHOUSE_LAZY} ${soname} PARENT_SCOPE)
    endif()
    add_library(CUDA::${name} STATIC IMPORTED GLOBAL)
    set_target_properties(CUDA::${name} PROPERTIES
      IMPORTED_LOCATION "${CMAKE_CURRENT_BINARY_DIR}/lazy/lib${entries}.a"
      INTERFACE_LINK_LIBRARIES "${CMAKE_DL_LIBS}")
    # As FindCUDAToolkit has it, so that the commands that compile are the same.
    target_include_directories(CUDA::${name} SYSTEM INTERFACE "${cuda_prefix}/include")
    add_dependencies(CUDA::${name} ${entries})
  endforeach()
endfunction()

if(WITH_CUBLAS)
  wheelhouse_lazy(cublas cublasLt)  # OpenCV names cublasLt as well, and calls nothing of it
endif()
if(WITH_CUFFT)
  wheelhouse_lazy(cufft)
endif()
