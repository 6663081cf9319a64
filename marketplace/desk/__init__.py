"""The work desk: what each person has to do, in order of deadline, with one obvious next act (product.md §7)."""
