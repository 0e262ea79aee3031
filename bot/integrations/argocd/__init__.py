"""The Argo CD client: `client.ArgocdClient` is what the composition root builds, one per instance."""
