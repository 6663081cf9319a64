"""批次 batch: how demands are collected and published periodically (product.md §2)."""
