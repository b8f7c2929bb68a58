"""PURE: what may be promised, where an order goes, and by when. Values in, values out."""
