{
  "algorithm": "ed25519",
  "key_id": "c78c119d72925b7e",
  "signature": "21WyJeaAnRfv/ZE0DSBijP2jaUTfccT946h6aIyonEBJqQvDG7Y+HDROtN2Hrc5560CtYvvZfzTdKeWHiFV2Aw=="
}
