"""资格审查 eligibility: the checklist of each opened bid, one cure, admission or refusal with a reason."""
