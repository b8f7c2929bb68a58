"""Devices, paper and files behind the terminal's ports. Only bootstrap names them."""
