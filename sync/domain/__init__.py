"""Pure rules: values in, values out. No clock, no I/O, no framework, no logging."""
