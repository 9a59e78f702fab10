"""Tandem's desk: the customer's chat page, and the pages on which agents take conversations over."""
