{
  "algorithm": "ed25519",
  "key_id": "8805c9c69465ed53",
  "signature": "m9NcWMOE5v1fn4LNmE6dH6LW5eJqfNVJw/1r4z2moYrQSsw89OU0VO17KI9rLgEc+/bP/+bBv5z3SuKxesvUDw=="
}
