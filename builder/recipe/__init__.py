"""Recipes: what to build, as data. Read, checked as a whole, frozen."""

from builder.recipe.files import project_files
from builder.recipe.load import check_recipe, load_recipe, load_recipes
from builder.recipe.problems import Problem
from builder.recipe.schema import Companion, Profile, Recipe, Source, Tests, Wheel, json_schema

__all__ = [
    "Companion",
    "Problem",
    "Profile",
    "Recipe",
    "Source",
    "Tests",
    "Wheel",
    "check_recipe",
    "json_schema",
    "load_recipe",
    "load_recipes",
    "project_files",
]
