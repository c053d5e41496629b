"""Sample quality: feature extractors, metrics, baselines and evaluation protocols."""
