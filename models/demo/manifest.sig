{
  "algorithm": "ed25519",
  "key_id": "20ec6960a134e94a",
  "signature": "7wZTUh+258cCA5hTbySdkOf0Xzoe/i6kJXnIGQzPJR4Fa+5z7FqOz88QWFIU2yXUG+mcbEcpgW/CI1sAVerMBg=="
}
