"""What routing is worth on real sites, real population, real baskets: `make bench-routing`."""
