"""What retailers call their flows, played from the shop's order to the customer's hands."""
