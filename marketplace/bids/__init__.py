"""揭榜 bids: drafted and sealed by enterprises, kept unread, opened at once (product.md §2.2, sealing.md §1)."""
