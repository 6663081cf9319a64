"""The kinds that search itself declares, because their features came before it."""
