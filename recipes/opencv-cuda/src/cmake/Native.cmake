# ADE, FFmpeg and AVIF, where the profile asks for them: recipes of their own, built first
# (docs/recipes.md).

if(WHEELHOUSE_NATIVES)
  include("${CMAKE_CURRENT_SOURCE_DIR}/native/natives.cmake")
endif()
# Settings.cmake has them switched off; what stands here goes before it.
if("ade" IN_LIST WHEELHOUSE_NATIVES)
  set(WITH_ADE ON CACHE BOOL "")
  set(BUILD_opencv_gapi ON CACHE BOOL "")
  # With it OpenCV takes the one that is built already; without it, it downloads.
  set(ade_DIR "${WHEELHOUSE_NATIVE_PREFIX}/share/ade" CACHE PATH "")
endif()
if("ffmpeg" IN_LIST WHEELHOUSE_NATIVES)
  set(WITH_FFMPEG ON CACHE BOOL "")
  set(OPENCV_FFMPEG_USE_FIND_PACKAGE FFMPEG CACHE STRING "")
  set(OPENCV_FFMPEG_ENABLE_LIBAVDEVICE OFF CACHE BOOL "")  # cameras are V4L's
endif()
if("libavif" IN_LIST WHEELHOUSE_NATIVES)
  set(WITH_AVIF ON CACHE BOOL "")
endif()
