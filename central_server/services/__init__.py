"""Use cases of central: one use case, one transaction. Knows no HTTP and no screen."""
