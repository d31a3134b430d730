"""A venue made of records: what back-tests and paper trading send their orders to."""
