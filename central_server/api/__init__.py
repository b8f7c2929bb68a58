"""Central's HTTP API: reads the request, calls one use case, writes the answer."""
