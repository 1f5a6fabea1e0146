"""A site's folder: its ledger, its files, its pages, and the changes it can go through."""
