-- Gives something up: no more tries, and a note in the dead letters. KEYS: tries of the item, wake, dead. ARGV: id, member, note.
redis.call('HSET', KEYS[3], ARGV[1], ARGV[3])
redis.call('ZREM', KEYS[2], ARGV[2])
redis.call('DEL', KEYS[1])
return 1
