"""Acting as a GitHub App: its signed word, its installations, and the tokens that those give for an hour."""
