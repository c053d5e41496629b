"""The commands of `spar`, a file each (or a family): flags, one call of the Python function, a print."""
