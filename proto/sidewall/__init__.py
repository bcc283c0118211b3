"""Client of the Sidewall appliance: lateral pelvic lymph nodes in rectal cancer, over gRPC (research use only)."""
