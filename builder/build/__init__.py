"""Render a project folder and compile it into a wheel."""
