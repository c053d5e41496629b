"""Using a trained model on examples one has."""
