"""What the benches of search share: generated documents, mixed queries, the FTS5 reference."""
