"""The configuration of a run: its settings, run.json, and files of earlier formats."""
