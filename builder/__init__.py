"""The builder: recipes in, tested portable GPU wheels out."""

__version__ = "0.1.0"
