"""`python -m store_client`."""

from store_client.cli import main

if __name__ == "__main__":
    main()
