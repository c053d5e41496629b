"""How good samples are: features, distances between them, and the judge's protocol."""
