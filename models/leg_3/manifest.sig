{
  "algorithm": "ed25519",
  "key_id": "b415331ab83ecff9",
  "signature": "MZzmnKWYjnp+2NAQFLCiD2TPMsbjjWCuiWkO2qI9/A4w7JbvExX3UcIKyv0JIiKvCnjGVE87GIdZ67iMqC8bBQ=="
}
