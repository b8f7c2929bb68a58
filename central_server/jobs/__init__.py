"""What central does by itself: each job is a function of its services and the time."""
