"""What the e-mail channel is made of: reading and writing mails, the listener, the outbox and their files."""
