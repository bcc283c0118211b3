{
  "algorithm": "ed25519",
  "key_id": "20ec6960a134e94a",
  "signature": "2HgJz3COcnuJa1pjxMybRE0Sb9vS2/3Z1Y8bZHRJX6Cvrixv4qiPZ7NxCiST1j5cpJ9frau81/A3HjD2N3ufAA=="
}
