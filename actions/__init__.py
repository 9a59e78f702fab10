"""Tandem's action server: the skills, and the backends, knowledge, policy and copilot behind them."""
