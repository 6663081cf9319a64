"""Saved searches and their alerts: each new hit told once, at once, daily or weekly."""
