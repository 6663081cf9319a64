"""What people type about demands: the demand itself (``writing``), and the acts on it (``acts``)."""
