"""Tests of what a node reports of itself, without etcd."""
