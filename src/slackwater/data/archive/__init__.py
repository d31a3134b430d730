"""The venue's public archive: its files, downloads, and days of a tape made of them."""
