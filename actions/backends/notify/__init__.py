"""Messages beside the conversation: on the console, or by e-mail over SMTP."""
