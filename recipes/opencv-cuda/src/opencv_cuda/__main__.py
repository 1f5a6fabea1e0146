"""``python -m opencv_cuda``: the doctor."""

import sys

from opencv_cuda._doctor import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
