"""Tables: schema inference, and conversion between data frames, numeric cells and network input."""
