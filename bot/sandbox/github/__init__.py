"""GitHub as the sandbox plays it: REST and Git over HTTP on the world's own repositories."""
