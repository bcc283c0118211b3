"""Version 1 of the wire contract: its messages and stubs, made from the `.proto` files beside them."""
