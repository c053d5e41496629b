"""Tables: columns of several kinds, between a frame, the cells that are kept of it, and what networks see."""
