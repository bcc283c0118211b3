"""The agent: brings one box to what its channel says, proves it, and goes back by itself where it does not hold."""
