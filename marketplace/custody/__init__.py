"""保管人 custodians: their keys, the proof that they still hold them, and the sets that demands freeze (sealing.md §1)."""
