CUDA_VERSION: str
ARCHITECTURES: tuple[str, ...]
PTX: str
LIBRARIES: tuple[str, ...]
RUN_PATHS: tuple[str, ...]
