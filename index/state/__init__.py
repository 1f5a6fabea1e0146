"""What the ledger adds up to, kept in a database so that a change costs what it touches.

It is a cache: whatever happens to it, the ledger makes it anew.
"""
