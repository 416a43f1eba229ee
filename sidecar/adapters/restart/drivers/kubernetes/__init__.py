"""The few calls of the Kubernetes API that restarting takes, over aiohttp.

Belongs here: where the API server is, and as which account it is called (`access`), one call or watch
(`api`), what its refusals mean (`errors`), and what a Pod and a workload say (`pod`, `workload`).
Forbidden here: when to restart what.

A whole client (kubernetes_asyncio, kubernetes) is not used: it knows every kind of object there is, and
takes several times the memory of the sidecar itself for three kinds of requests.
"""
