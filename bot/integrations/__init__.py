"""Adapters to the systems outside. Wire models stay private to each; domain values come out."""
