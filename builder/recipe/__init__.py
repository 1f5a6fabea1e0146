"""Recipes: what to build, as data. Read, checked as a whole, frozen."""

from builder.recipe.files import project_files
from builder.recipe.load import check_recipe, load_all, load_native, load_recipe, load_recipes
from builder.recipe.problems import Problem
from builder.recipe.schema import (
    Archive,
    Companion,
    Native,
    Profile,
    Recipe,
    Source,
    Tests,
    Wheel,
    json_schema,
)

__all__ = [
    "Archive",
    "Companion",
    "Native",
    "Problem",
    "Profile",
    "Recipe",
    "Source",
    "Tests",
    "Wheel",
    "check_recipe",
    "json_schema",
    "load_all",
    "load_native",
    "load_recipe",
    "load_recipes",
    "project_files",
]
