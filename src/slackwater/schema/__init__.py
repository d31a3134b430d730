"""Vocabulary: units, enums and records that every layer speaks. No behaviour."""
