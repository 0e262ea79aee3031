"""GitHub: pull requests, statuses and merges over its REST API."""
