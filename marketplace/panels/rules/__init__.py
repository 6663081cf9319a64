"""The pure rules of panels: ``draw`` (who sits), ``seats`` (how a place moves), ``conflicts`` (who must not sit)."""
