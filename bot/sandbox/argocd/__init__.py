"""Argo CD 3.5.1 as the sandbox plays it: API server, controller and simulated clusters over real Git and Kustomize."""
