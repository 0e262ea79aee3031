"""What people do in the workspace: write, click, fill in modals; each ends in a delivery to the bot."""
