"""The pure rules of notices: ``notices`` (candidates, window), ``objections`` and ``letters`` (result letters)."""
