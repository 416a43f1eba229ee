"""The watch stream: our own, over aiohttp, imported at the first watch and not before.

Belongs here: opening a stream at an endpoint (`watches`, `stream`), bytes to JSON documents (`frames`),
documents to batches (`feed`); the last two are pure.
Forbidden here: unary calls, and what a key or a value means.

"""
