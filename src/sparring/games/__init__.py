"""A file for each shape of game."""
