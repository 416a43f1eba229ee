"""Files on disk: the configuration file that is kept in step, and the state folder.

Belongs here: reading, replacing and watching files, and what each file system makes of that.
Forbidden here: what a document means (``domain.document``), and whether a file should be written.
"""
