"""A site and its wheels put where users fetch them: looked at, planned, carried out, read back."""
