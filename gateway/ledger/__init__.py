"""What the gateway knows about every instance, study, delivery and commitment: with the spool, the whole truth."""
