"""The try-it world: Slack, Argo CD and GitHub servers over a real Git repository, and the bot beside them."""
