"""Ship from store at the terminal: desk, waves, packing, labels, manifests."""
