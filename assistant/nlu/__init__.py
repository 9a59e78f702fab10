"""NLU graph components that config.yml names."""
