-- Counts a failure, and has it tried again twice as late each time. KEYS: tries, wake, clock. ARGV: id, member, wait ms.
local tries = redis.call('HINCRBY', KEYS[1], ARGV[1], 1)
redis.call('ZADD', KEYS[2], whole(now_ms(KEYS[3]) + tonumber(ARGV[3]) * 2 ^ math.min(tries - 1, 8)), ARGV[2])
return tries
