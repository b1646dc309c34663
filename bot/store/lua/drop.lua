-- Forgets an inbound item that has had its effect. KEYS: item, wake, tries. ARGV: member, id.
redis.call('DEL', KEYS[1])
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('HDEL', KEYS[3], ARGV[2])
return 1
