"""Experiments on recipes: each trains, scores and prints a table; the ledger records every run."""
