"""Use cases of the alerts."""
