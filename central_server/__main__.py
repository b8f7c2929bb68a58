"""`python -m central_server` is `central-server`."""

from central_server.cli import main

if __name__ == "__main__":
    main()
