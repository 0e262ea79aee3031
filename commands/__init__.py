"""One file per command, nothing else: each declares `COMMAND`."""
