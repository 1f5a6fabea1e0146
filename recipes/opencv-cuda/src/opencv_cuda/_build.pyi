VERSION: str
PROFILE: str
CUDA: str
CUDNN: str | None
ARCHITECTURES: tuple[str, ...]
PTX: str
MODULES: tuple[str, ...]
FOLDERS: tuple[str, ...]
LAZY: tuple[str, ...]
