{
  "algorithm": "ed25519",
  "key_id": "c78c119d72925b7e",
  "signature": "PbeM70LdWp/7kgSUDPn3uK7X5mRd04aFKS7HsvN0cAeHq4jSKi/AWnavQIgy45yqKah8LoqpyPkrmlMPoJ7uAA=="
}
