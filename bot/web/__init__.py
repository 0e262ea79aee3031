"""HTTP routes of the bot."""
