{
  "algorithm": "ed25519",
  "key_id": "8805c9c69465ed53",
  "signature": "6Us+hmqUZor2eb/VcnAbyRP1XcrkOLlCvehbzGoIbKty5ZkQzDoU8H974tz9xeS6KxeJN1HtQ+OSTpduOKwUCA=="
}
