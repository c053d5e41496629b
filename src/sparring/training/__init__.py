"""One loop that plays any game, and what it needs: optimisers, precision, ranks, checkpoints, the journal."""
