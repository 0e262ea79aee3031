"""GitHub's REST API, one file per group of endpoints."""
