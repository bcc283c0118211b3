{
  "algorithm": "ed25519",
  "key_id": "c78c119d72925b7e",
  "signature": "YQvYVaK5WRYosWwbgMpZaUhj/nlJRxqq4DQXKXgpumK7VGPVEFfojPHQOAVB2kxGjQKa7S+8X816M4PrZqDUCA=="
}
