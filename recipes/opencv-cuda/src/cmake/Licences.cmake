# Each library that OpenCV brings along and this build has in it has a licence file in the wheel.
#
# What is in it: the folders of 3rdparty/ that were added, and the headers and parts of modules whose
# licences OpenCV names itself (patches/0007). One file a library is enough: most have a README, too.

file(READ "${CMAKE_CURRENT_SOURCE_DIR}/pyproject.toml" project_text)

set(folders "")
get_property(waiting DIRECTORY "${upstream}/opencv" PROPERTY SUBDIRECTORIES)
foreach(folder IN LISTS waiting)
  if(folder MATCHES "/opencv/3rdparty/[^/]+$")
    list(APPEND folders "${folder}")
  endif()
endforeach()
get_property(files GLOBAL PROPERTY WHEELHOUSE_LICENCE_FILES)
foreach(file IN LISTS files)
  # Folders below these belong to the same library.
  string(REGEX REPLACE "(/opencv/3rdparty/(include/)?[^/]+)/.*" "\\1" folder "${file}")
  if(folder STREQUAL file)
    cmake_path(GET file PARENT_PATH folder)
  endif()
  list(APPEND folders "${folder}")
endforeach()
list(REMOVE_DUPLICATES folders)

foreach(folder IN LISTS folders)
  cmake_path(RELATIVE_PATH folder BASE_DIRECTORY "${CMAKE_CURRENT_SOURCE_DIR}" OUTPUT_VARIABLE inside)
  string(FIND "${project_text}" "\"${inside}/" at)
  if(at EQUAL -1)
    message(FATAL_ERROR
      "${inside} goes into the wheel, and pyproject.toml names no licence file of it (license-files)")
  endif()
endforeach()
