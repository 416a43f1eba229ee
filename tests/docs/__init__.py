"""The documents: their commands run, their links lead somewhere, and what is generated is what the code says.

Belongs here: reading Markdown (``markdown``), running what it shows (``sandbox``, ``scenes``), and the table
of commands that a platform suite runs instead (``elsewhere``).
Forbidden here: tests of the product; what a document promises is tested where the code is.
"""
