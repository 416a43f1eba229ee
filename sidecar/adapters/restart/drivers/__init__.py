"""Ways of restarting what others launched, one driver a file (or folder), each a `Driver`.

Belongs here: what one platform needs to find a process, restart it, and see that it did.
Forbidden here: time limits, retries and what was loaded (``restart.external`` holds them for all
drivers), and one driver importing another.
"""
