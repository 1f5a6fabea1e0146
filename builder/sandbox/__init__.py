"""A namespace with one fixed build path and no network."""
