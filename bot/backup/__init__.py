"""What a store means that was put back: an earlier moment of it, held until people have looked. It sends nothing."""
