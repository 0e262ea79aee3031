"""The sandbox's control API and its page."""
