"""Channels: how customers' messages come in and the bot's and the agents' go out, all behind one guard."""
