"""Curbside at central: customers say that they have arrived, and where."""
