"""The REST endpoints of Argo CD's API server, by subject."""
