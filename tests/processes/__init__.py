"""Real processes on real sockets and files: killed, cut off, restarted, and reckoned up."""
