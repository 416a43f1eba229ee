"""A real kube-apiserver: what it says is what the fake one has to say, and what k8s/ has to pass."""
