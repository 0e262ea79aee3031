"""What the world's repositories hold at first: their trees as files, their histories as code."""
