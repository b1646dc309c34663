-- Takes a dead letter out of the list for good, with what it was about. KEYS: dead, outbox, inbound item. ARGV: id, note.
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end -- check: same
redis.call('HDEL', KEYS[1], ARGV[1])
redis.call('HDEL', KEYS[2], ARGV[1])
redis.call('DEL', KEYS[3])
return 1
