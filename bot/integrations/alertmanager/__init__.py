"""Alertmanager: its API, and what its webhooks say. The shapes on the wire stay in here."""
