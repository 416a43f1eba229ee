"""Everything that is stored in etcd: the records, their one codec, and the one builder of keys.

Belongs here: frozen values with the JSON form that they are stored in, key names, and the values of the
store itself (revision, lease, transaction).
Forbidden here: decisions. A record knows how it is written and read and what it says, never what follows
from it.
"""
