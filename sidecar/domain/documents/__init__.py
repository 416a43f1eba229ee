"""The owner's files, federated.json and config.json, as text.

Belongs here: what makes a document valid and how an error in it is worded, and how its list is edited
while every other byte is kept.
Forbidden here: reading or writing a file (``adapters.files``), and deciding which list a file should
hold (``domain.node``).
"""
