"""Clean environments in which a finished wheel must prove itself."""
