"""流榜诊断: how far the market came towards a demand that ended without a result."""
