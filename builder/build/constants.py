"""Numbers more than one part of the build needs."""

SOURCE_DATE_EPOCH = 1577836800
"""The time every project file and archive member gets: 2020-01-01T00:00:00Z."""
