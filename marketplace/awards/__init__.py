"""Awards: confirmed, taken up, declined, substituted (product.md §2.2)."""
