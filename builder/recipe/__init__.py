"""What to build, as data: the recipe schema, its loader and its checks."""
