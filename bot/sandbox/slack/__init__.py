"""Slack as the sandbox plays it: Web API, Socket Mode, people and what they see."""
