# NPP linked statically, where its archives are a source of this build (recipe.toml, "npp").
#
# NVIDIA's archives hold machine code for every GPU; nvprune keeps what was asked for. The targets
# have the names that CMake's FindCUDAToolkit gives to the shared libraries, and exist before it
# looks, so that OpenCV links these without knowing.

set(archives "${CMAKE_CURRENT_SOURCE_DIR}/sources/npp")
if(NOT EXISTS "${archives}")
  return()
endif()

cmake_path(GET CMAKE_CUDA_COMPILER PARENT_PATH cuda_programs)
find_program(NVPRUNE nvprune HINTS "${cuda_programs}" REQUIRED NO_DEFAULT_PATH)
cmake_path(GET cuda_programs PARENT_PATH cuda_prefix)

set(kept "")
foreach(architecture IN LISTS WHEELHOUSE_CUDA_ARCH_BIN)
  string(REPLACE "." "" number "${architecture}")
  list(APPEND kept -gencode "arch=compute_${number},code=sm_${number}")
endforeach()
foreach(architecture IN LISTS WHEELHOUSE_CUDA_ARCH_PTX)
  string(REPLACE "." "" number "${architecture}")
  list(APPEND kept -gencode "arch=compute_${number},code=compute_${number}")
endforeach()

# Plain C++ without a line of GPU code: nothing to prune.
add_library(CUDA::culibos STATIC IMPORTED GLOBAL)
set_target_properties(CUDA::culibos PROPERTIES
  IMPORTED_LOCATION "${archives}/libculibos.a"
  INTERFACE_LINK_LIBRARIES "pthread;dl;rt")

set(pruned "")
foreach(library nppc nppial nppicc nppidei nppif nppig nppim nppist nppitc)
  set(from "${archives}/lib${library}_static.a")
  set(to "${CMAKE_CURRENT_BINARY_DIR}/npp/lib${library}_static.a")
  if(NOT EXISTS "${from}")
    message(FATAL_ERROR "the source of static NPP has no lib${library}_static.a")
  endif()
  add_custom_command(
    OUTPUT "${to}"
    COMMAND "${CMAKE_COMMAND}" -E make_directory "${CMAKE_CURRENT_BINARY_DIR}/npp"
    COMMAND "${NVPRUNE}" ${kept} "${from}" -o "${to}"
    DEPENDS "${from}"
    COMMENT "Keeping of ${library} what was asked for"
    VERBATIM)
  list(APPEND pruned "${to}")
  add_library(CUDA::${library} STATIC IMPORTED GLOBAL)
  set_target_properties(CUDA::${library} PROPERTIES
    IMPORTED_LOCATION "${to}"
    INTERFACE_LINK_LIBRARIES CUDA::nppc)
  # As FindCUDAToolkit has it, so that the commands that compile are the same.
  target_include_directories(CUDA::${library} SYSTEM INTERFACE "${cuda_prefix}/include")
endforeach()
set_target_properties(CUDA::nppc PROPERTIES INTERFACE_LINK_LIBRARIES CUDA::culibos)
add_custom_target(pruned_npp DEPENDS ${pruned})
foreach(library nppc nppial nppicc nppidei nppif nppig nppim nppist nppitc)
  add_dependencies(CUDA::${library} pruned_npp)
endforeach()
