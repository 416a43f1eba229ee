"""One request to one etcd endpoint, within its time: `Transport`, over ``etcd3gw`` in worker threads.

Belongs here: the pooled clients, what their exceptions mean, and the socket options of every connection.
Forbidden here: choosing an endpoint, trying again, tokens (``etcd.auth``, ``etcd.caller``), and watches.

"""
