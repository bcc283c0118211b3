"""The gRPC server: converts, admits, calls the pipeline, converts back."""
