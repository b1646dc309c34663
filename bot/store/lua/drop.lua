-- Forgets an inbound item that has had its effect. KEYS: item, wake. ARGV: member.
redis.call('DEL', KEYS[1])
redis.call('ZREM', KEYS[2], ARGV[1])
return 1
