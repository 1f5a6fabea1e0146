"""Recipes and targets in, frozen build specs and their keys out. Pure, but for `gather`."""
