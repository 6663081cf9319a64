"""Questions about a demand and their public answers."""
