"""The language of the project: which habits its texts avoid, and where its texts are.

``python -m tests.language [FILE or FOLDER ...]`` prints every finding.
"""
