"""Git hosts and their review objects, one folder each; every one implements `bot.ports.Forge`."""
