"""What happens next to a change: pure decisions over what was seen. One file per part of the lifecycle."""
