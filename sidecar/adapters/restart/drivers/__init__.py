"""One driver a file: a way of restarting a process that something else launches (`restart.driver.Driver`).

Belongs here: finding the process, asking for its restart, noticing its end, and error messages in the words
of that platform.
Forbidden here: timeouts and retries of a restart (`restart.external` has them), saved state, and one driver
importing another.

"""
