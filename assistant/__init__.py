"""Tandem's extension points for Rasa: NLU components, the owner policy and the guarded channels."""
