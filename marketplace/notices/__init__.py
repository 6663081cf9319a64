"""Public notice, objections, result letters (product.md §2.2, §4)."""
