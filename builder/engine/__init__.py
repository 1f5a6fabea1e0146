"""Where a wheel is compiled: on this machine (hermetic), or in a container (cibuildwheel)."""

HERMETIC = "hermetic"
CIBUILDWHEEL = "cibuildwheel"
ENGINES = (HERMETIC, CIBUILDWHEEL)
