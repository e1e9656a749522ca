"""What attacks would reach, foretold without them, and how far that may be believed."""
