"""The forge's webhooks: GitHub's payloads, signed and delivered as GitHub does."""
