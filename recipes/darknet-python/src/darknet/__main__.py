"""``python -m darknet``: the doctor."""

import sys

from darknet._doctor import main

if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
