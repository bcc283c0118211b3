"""What other software asks of the gateway over gRPC (`sidewall.v1.Studies`), and what each caller may."""
