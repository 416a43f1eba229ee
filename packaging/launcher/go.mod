module sidecar/launcher

go 1.21
