"""What is not accepted as anybody's word: what happens to it, what operators do about it, what people are told."""
