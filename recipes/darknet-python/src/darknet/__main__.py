"""``python -m darknet``: the doctor."""

from darknet._doctor import main

if __name__ == "__main__":
    raise SystemExit(main())
