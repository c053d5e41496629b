"""Plans and score functions of the experiments in `experiments/table.py`."""
