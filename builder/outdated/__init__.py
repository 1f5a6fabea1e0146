"""What is new upstream, held against what is pinned here, and pins renewed."""
