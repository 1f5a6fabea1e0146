"""As in OpenCV's own wheels; some programs ask it."""

opencv_version = "@OPENCV_PYTHON_VERSION@"
contrib = True
headless = True
rolling = False
ci_build = False
