# What lands in site-packages: cv2.py, opencv_cuda/ and, below it, the payload in _cv2/.

set(package "${CMAKE_CURRENT_SOURCE_DIR}/src")
set(payload opencv_cuda/_cv2)

add_custom_target(extension ALL DEPENDS opencv_python3)

# NVIDIA's packages lie beside ours in site-packages; the extension is two folders below it.
list(TRANSFORM WHEELHOUSE_RUN_PATHS PREPEND "$ORIGIN/../../" OUTPUT_VARIABLE run_paths)
set_target_properties(opencv_python3 PROPERTIES
  INSTALL_RPATH "${run_paths}"
  BUILD_WITH_INSTALL_RPATH ON
  INSTALL_RPATH_USE_LINK_PATH OFF
)
# NPP's libraries need libnppc, and look on LD_LIBRARY_PATH first; what the extension itself needs is
# loaded before that. Static NPP has it inside.
if(NOT EXISTS "${CMAKE_CURRENT_SOURCE_DIR}/sources/npp")
  cmake_path(GET CMAKE_CUDA_COMPILER PARENT_PATH cuda_programs)
  find_library(NPPC_LIBRARY nppc HINTS "${cuda_programs}/../lib64" REQUIRED NO_DEFAULT_PATH)
  target_link_libraries(opencv_python3 PRIVATE
    "-Wl,--push-state,--no-as-needed" "${NPPC_LIBRARY}" "-Wl,--pop-state")
endif()
install(TARGETS opencv_python3 LIBRARY DESTINATION ${payload})

install(FILES "${package}/cv2.py" DESTINATION .)
install(DIRECTORY "${package}/opencv_cuda" DESTINATION .
  FILES_MATCHING PATTERN "*.py" PATTERN "py.typed")

# OpenCV's own loader and Python code as it lies in its build tree, with a configuration of ours:
# OpenCV's holds absolute paths.
install(DIRECTORY "${CMAKE_BINARY_DIR}/python_loader/cv2/" DESTINATION ${payload}
  FILES_MATCHING PATTERN "*.py"
  PATTERN "config*.py" EXCLUDE
  PATTERN "load_config_py2.py" EXCLUDE
  PATTERN "__pycache__" EXCLUDE)
file(WRITE "${CMAKE_BINARY_DIR}/config.py" "BINARIES_PATHS = []\n")
# `cv2.version` is there without importing it, as in OpenCV's own wheels.
file(WRITE "${CMAKE_BINARY_DIR}/config-3.py" [[
PYTHON_EXTENSIONS_PATHS = [LOADER_DIR]
from .version import headless
]])
install(FILES "${CMAKE_BINARY_DIR}/config.py" "${CMAKE_BINARY_DIR}/config-3.py" DESTINATION ${payload})
set(OPENCV_PYTHON_VERSION "${SKBUILD_PROJECT_VERSION}")
configure_file("${package}/package/version.py" "${CMAKE_BINARY_DIR}/version.py" @ONLY)
install(FILES "${CMAKE_BINARY_DIR}/version.py" DESTINATION ${payload})

# cv2.data: the Haar cascades where there is something to use them with.
install(FILES "${package}/package/data/__init__.py" DESTINATION ${payload}/data)
if(TARGET opencv_objdetect)
  file(GLOB cascades CONFIGURE_DEPENDS "${upstream}/opencv/data/haarcascades/*.xml")
  if(NOT cascades)
    message(FATAL_ERROR "no Haar cascades in ${upstream}/opencv/data/haarcascades")
  endif()
  install(FILES ${cascades} DESTINATION ${payload}/data)
endif()

# Type stubs as a package of their own (PEP 561): `cv2` itself is a module. They are written with the
# bindings' sources; without features2d that fails, with no more than a warning. Where OpenCV has
# Python code and no stub, the code is the stub.
if(TARGET opencv_features2d)
  set(written "${OPENCV_PYTHON_BINDINGS_DIR}/cv2")
  install(FILES "${written}/typing/__init__.py" DESTINATION ${payload}/typing)
  install(FILES "${written}/typing/__init__.py" DESTINATION cv2-stubs/typing RENAME __init__.pyi)
  foreach(code data/__init__ mat_wrapper/__init__ misc/__init__ misc/version)
    set(from "${CMAKE_BINARY_DIR}/python_loader/cv2/${code}.py")
    if(code MATCHES "^data/")
      set(from "${package}/package/${code}.py")
    endif()
    cmake_path(GET code PARENT_PATH folder)
    cmake_path(GET code FILENAME name)
    install(FILES "${from}" DESTINATION cv2-stubs/${folder} RENAME ${name}.pyi)
  endforeach()
  install(FILES "${CMAKE_BINARY_DIR}/version.py" DESTINATION cv2-stubs RENAME version.pyi)
  install(DIRECTORY "${written}/" DESTINATION cv2-stubs FILES_MATCHING PATTERN "*.pyi")
  install(FILES "${written}/py.typed" DESTINATION cv2-stubs)  # written last: no file, no stubs
endif()

# What the wheel was built for, for the doctor and the tests; never read by `import cv2`.
set(modules ${OPENCV_MODULES_BUILD})
list(TRANSFORM modules REPLACE "^opencv_" "")
list(SORT modules)
list(JOIN modules "\", \"" modules)
list(JOIN WHEELHOUSE_CUDA_ARCH_BIN "\", \"" architectures)
if(CUDNN_VERSION_MAJOR)
  set(cudnn "\"${CUDNN_VERSION_MAJOR}\"")
else()
  set(cudnn None)
endif()
list(JOIN WHEELHOUSE_RUN_PATHS "\", \"" folders)
set(lazy ${WHEELHOUSE_LAZY})
list(TRANSFORM lazy REPLACE "(.+)" "\"\\1\", ")
list(JOIN lazy "" lazy)
file(CONFIGURE OUTPUT "${CMAKE_BINARY_DIR}/_build.py" @ONLY CONTENT
[[# What this wheel was built for; written by its build.
VERSION = "@SKBUILD_PROJECT_VERSION_FULL@"
PROFILE = "@WHEELHOUSE_PROFILE@"
CUDA = "@WHEELHOUSE_CUDA_VERSION@"
CUDNN = @cudnn@
ARCHITECTURES = ("@architectures@",)
PTX = "@WHEELHOUSE_CUDA_ARCH_PTX@"
MODULES = ("@modules@",)
FOLDERS = ("@folders@",)
LAZY = (@lazy@)
]])
install(FILES "${CMAKE_BINARY_DIR}/_build.py" DESTINATION opencv_cuda)
