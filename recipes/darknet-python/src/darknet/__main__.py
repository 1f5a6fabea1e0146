"""``python -m darknet``: the doctor."""

import sys

from darknet._doctor import main
from darknet._streams import guarded

if __name__ == "__main__":
    raise SystemExit(guarded(lambda: main(sys.argv[1:])))
