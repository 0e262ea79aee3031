"""Alerts as we understand them: what a monitoring system says, the groups it sends, and what people did about them."""
