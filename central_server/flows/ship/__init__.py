"""Ship from store at central: who sends what, labels, and telling the customer."""
