"""The order management system: one record of every order, one view of all stock."""
