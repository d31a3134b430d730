"""The rules that architecture and style ask for, as tests that name the place where one is broken."""
