"""What a site decides in one file: who may send, which engines work, where results go, and by which rules."""
