"""Panels: the expert pool, the draw, seats, conflicts of interest (product.md §4)."""
