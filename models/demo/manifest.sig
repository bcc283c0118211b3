{
  "algorithm": "ed25519",
  "key_id": "20ec6960a134e94a",
  "signature": "yJwiQoqYVsRhynUfLb1kHGaMs9Splg4AVRnv75uetUcyI5M2hX1e/CtiouxqsjbzHWU7KzGXoOXtnLFpQgxpAA=="
}
