"""Linux processes: launched into a session, watched by a pidfd, ended whole; and the sidecar's own duties as
one.

Belongs here: what every adapter that launches something shares (the managed process, a probe's command), and
what the kernel asks of the sidecar itself: reaping orphans as PID 1 (`reaper`), catching signals and keeping
them across a re-execution (`os_signals`). Everything that the sidecar launches goes through `launch`, so that
nothing else reaps its exit status.
Forbidden here: when to start or stop anything; callers pass that in as callbacks.
"""
