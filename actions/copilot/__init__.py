"""What a human agent gets from the generative layer, over the bot's own retriever and policy."""
