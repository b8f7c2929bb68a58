"""Real input: products, locations, prices, stock, associates and order history from files.

A file is read as a stream (`sources`), its columns become ours (`mapping`,
`transforms`), each row is checked (`records`, `places`), good rows go in batches
to a sink (`sinks`), bad ones into a report (`reports`). `runner` is the loop,
`commands` the command line. Nothing here decides what a row means at central:
that is the intake service.
"""
