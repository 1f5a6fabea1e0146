"""What an index costs: ``python benchmarks/index.py --help``; `index_bench` says what it does."""

from __future__ import annotations

from index_bench import main

if __name__ == "__main__":
    main()
