# Builds the native libraries that a wheel needs, while its project is configured: whatever looks for
# them later in that configuration finds them installed. Written into the project by `builder render`.
#
# Before:  project(… LANGUAGES C CXX), and WHEELHOUSE_NATIVES, in the order they are built in.
# After:   WHEELHOUSE_NATIVE_PREFIX, where they are installed; it is first in CMAKE_PREFIX_PATH.
#
# Each library is a CMake project of its own in native/<name>, given this project's toolchain, compile
# cache launchers and build type, with the programs of what was built before it on PATH.

set(WHEELHOUSE_NATIVE_PREFIX "${CMAKE_BINARY_DIR}/native/prefix")
list(PREPEND CMAKE_PREFIX_PATH "${WHEELHOUSE_NATIVE_PREFIX}")

function(wheelhouse_build_native name)
  set(source "${CMAKE_CURRENT_FUNCTION_LIST_DIR}/${name}")
  set(build "${CMAKE_BINARY_DIR}/native/${name}")
  set(built "${CMAKE_BINARY_DIR}/native/${name}.built")
  if(EXISTS "${built}")  # configured again in the same folder; without this file it is built again
    return()
  endif()
  set(settings
    "-DCMAKE_INSTALL_PREFIX=${WHEELHOUSE_NATIVE_PREFIX}" "-DCMAKE_INSTALL_LIBDIR=lib"
    "-DCMAKE_PREFIX_PATH=${WHEELHOUSE_NATIVE_PREFIX}" "-DCMAKE_POSITION_INDEPENDENT_CODE=ON"
    "-DCMAKE_BUILD_TYPE=Release" "-DCMAKE_MAKE_PROGRAM=${CMAKE_MAKE_PROGRAM}"
    "-DPython3_EXECUTABLE=${Python3_EXECUTABLE}")
  if(CMAKE_TOOLCHAIN_FILE)
    list(APPEND settings "-DCMAKE_TOOLCHAIN_FILE=${CMAKE_TOOLCHAIN_FILE}")
  else()
    list(APPEND settings "-DCMAKE_C_COMPILER=${CMAKE_C_COMPILER}"
      "-DCMAKE_CXX_COMPILER=${CMAKE_CXX_COMPILER}")
  endif()
  set(run "${CMAKE_COMMAND}" -E env
    --modify "PATH=path_list_prepend:${WHEELHOUSE_NATIVE_PREFIX}/bin" "${CMAKE_COMMAND}")
  message(STATUS "native library ${name}: configure")
  wheelhouse_run(${name} ${run} -S "${source}" -B "${build}" -G "${CMAKE_GENERATOR}" ${settings})
  message(STATUS "native library ${name}: build")
  wheelhouse_run(${name} ${run} --build "${build}")
  wheelhouse_run(${name} ${run} --install "${build}")
  file(TOUCH "${built}")
endfunction()

function(wheelhouse_run name)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE status)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "the native library ${name} was not built (what failed stands above)")
  endif()
endfunction()

find_package(Python3 REQUIRED COMPONENTS Interpreter)  # what runs this build
foreach(name IN LISTS WHEELHOUSE_NATIVES)
  wheelhouse_build_native(${name})
endforeach()
