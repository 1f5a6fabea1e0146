"""The index: records and wheels in, a static package index out. Knows nothing of the builder."""
