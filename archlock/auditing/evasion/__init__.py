"""What a model does so that attackers do not get at its weights: looked for before an audit attacks."""
