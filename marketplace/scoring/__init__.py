"""Scoring: sheets, formulas, dispersion check, ranking (product.md §4)."""
