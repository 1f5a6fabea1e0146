get_filename_component(_prefix "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)
find_package(Threads REQUIRED)
if(NOT TARGET avif)
  add_library(avif STATIC IMPORTED GLOBAL)
  set_target_properties(avif PROPERTIES
    IMPORTED_LOCATION "${_prefix}/lib/libavif.a"
    INTERFACE_INCLUDE_DIRECTORIES "${_prefix}/include"
    INTERFACE_LINK_LIBRARIES
      "${_prefix}/lib/libdav1d.a;${_prefix}/lib/libaom.a;Threads::Threads;m;${CMAKE_DL_LIBS}")
endif()
