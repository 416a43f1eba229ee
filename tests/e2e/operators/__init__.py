"""What a person uses: commands, the admin API, the demo.

Belongs here: each of these end to end. Forbidden here: texts of commands that need no network (`tests.cli`).
"""
