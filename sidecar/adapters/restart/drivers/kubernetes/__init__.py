"""The few calls of the Kubernetes API that restarting takes, over aiohttp.

Here: where the API server is and who asks (`access`), one call or watch (`api`), a refusal in words
(`errors`), and what a Pod and a workload say (`pod`, `workload`). Not here: when to restart what.

A whole client (kubernetes_asyncio, kubernetes) is not used: it knows every kind of object there is, and
takes several times the memory of the sidecar itself for three kinds of requests.
"""
