"""The stand-in for Alertmanager 0.33: alerts, groups, silences, webhooks."""
