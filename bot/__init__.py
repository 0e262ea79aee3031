"""Tiphys: steers Argo CD from Slack; what was approved is what ships."""
