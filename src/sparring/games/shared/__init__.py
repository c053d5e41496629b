"""What the games share: options, optional methods, the input of critics, past fakes."""
