"""The tests of Holdshelf; the folders mirror the code."""
