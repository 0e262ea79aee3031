"""Slack: the only folder that knows its SDK. Everything else speaks of `Text`, cards and dialogs."""
