"""The pure rules of scoring: ``formulas`` (one figure), ``sheets`` (one expert, one bid), ``dispersion``, ``record``
(what a ranking is computed from and says) and ``ranking``.

Standard library, ``platform`` tables and ``demands.content`` only; callers import the module they mean.
"""
