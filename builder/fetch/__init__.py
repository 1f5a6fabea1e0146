"""Verified downloads: named sources, mirrors, the content-addressed cache, safe unpacking."""
