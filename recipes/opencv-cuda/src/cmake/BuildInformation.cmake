# What cv2.getBuildInformation() answers: OpenCV's own summary, without what is of this machine only.

file(READ "${CMAKE_BINARY_DIR}/version_string.tmp" information)
foreach(label
    "Version control" "Location \\(extra\\)" "Version control \\(extra\\)" "Host" "CMake build tool"
    "C Compiler" "C\\+\\+ flags \\(Debug\\)" "C flags \\(Debug\\)" "Linker flags \\(Debug\\)" "ccache"
    "Interpreter" "Libraries" "install path" "Python \\(for build\\)" "Install to" "Include path")
  string(REGEX REPLACE "\"[ ]+${label}:[^\n]*\n" "" information "${information}")
endforeach()
string(REGEX REPLACE "(numpy:[ ]+)/[^\n]*\\(ver ([0-9.]+)\\)" "\\1\\2" information "${information}")
# Compilers and CUDA's libraries by file name; the flags without the folders they map away.
string(REGEX REPLACE " -ffile-prefix-map=[^ \n]*" "" information "${information}")
string(REGEX REPLACE "(-isystem|--sysroot=?|-B|-I|-L) ?/[^ \n\"]*" "" information "${information}")
string(REGEX REPLACE "/[^ \n\"]*/([^/ \n\"]+)" "\\1" information "${information}")
string(REGEX REPLACE "[ ]+\\\\n\"" "\\\\n\"" information "${information}")

foreach(folder "${CMAKE_SOURCE_DIR}" "${CMAKE_BINARY_DIR}" "${CMAKE_SYSROOT}" "$ENV{HOME}")
  if(folder AND NOT folder STREQUAL "/")
    string(FIND "${information}" "${folder}" at)
    if(NOT at EQUAL -1)
      message(FATAL_ERROR "getBuildInformation() would hold this machine's ${folder}:\n${information}")
    endif()
  endif()
endforeach()
file(CONFIGURE OUTPUT "${OPENCV_MODULE_opencv_core_BINARY_DIR}/version_string.inc"
  CONTENT "${information}" @ONLY)

# Where cv::samples::findFile() looks for OpenCV's build folder: nowhere.
file(WRITE "${CMAKE_BINARY_DIR}/opencv_data_config.hpp" [[
#define OPENCV_BUILD_DIR "/nonexistent"
#define OPENCV_DATA_BUILD_DIR_SEARCH_PATHS ""
]])
