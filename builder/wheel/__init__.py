"""Reading, repairing and checking wheels and the ELF files in them."""
