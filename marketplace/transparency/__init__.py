"""公开核验 transparency: the audit log's promise, its proofs, and checking what one was shown against it."""
