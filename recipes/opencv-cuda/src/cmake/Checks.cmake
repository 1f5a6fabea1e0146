# What was asked for and what OpenCV made of it: a module it cannot build it drops with a line in a log.

foreach(library CUDA CUBLAS CUFFT CUDNN)
  get_directory_property(have DIRECTORY "${upstream}/opencv" DEFINITION HAVE_${library})
  if(WITH_${library} AND NOT have)
    message(FATAL_ERROR "OpenCV did not find ${library} in the toolkit")
  endif()
endforeach()
if(NOT TARGET opencv_python3)
  message(FATAL_ERROR "OpenCV's Python module is unavailable (headers of Python or numpy not found)")
endif()

string(REPLACE "," ";" asked "${BUILD_LIST}")
foreach(module IN LISTS asked)
  if(NOT "opencv_${module}" IN_LIST OPENCV_MODULES_BUILD)
    message(FATAL_ERROR "module '${module}' was asked for, and OpenCV dropped it")
  endif()
endforeach()
