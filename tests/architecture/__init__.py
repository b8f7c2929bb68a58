"""Rules about the code itself: layers, size, words, the lock."""
