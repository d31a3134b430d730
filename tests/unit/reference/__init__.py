"""The reference held against numbers worked by hand."""
