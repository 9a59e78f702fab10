"""Privacy: secrets removed before Rasa sees a message, personal data encrypted before anything is stored."""
