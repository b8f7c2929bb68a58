"""Screens. They show what services say and send what people want; they decide nothing."""
