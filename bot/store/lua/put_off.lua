-- Tries something again later, or gives it up after too many tries. KEYS: tries, wake, dead, clock.
-- ARGV: id, member, wait ms, at most, note for the dead letters.
local tries = redis.call('HINCRBY', KEYS[1], ARGV[1], 1)
if tries < tonumber(ARGV[4]) then
  redis.call('ZADD', KEYS[2], whole(now_ms(KEYS[4]) + tonumber(ARGV[3]) * 2 ^ math.min(tries - 1, 8)), ARGV[2])
  return tries
end
redis.call('HSET', KEYS[3], ARGV[1], ARGV[5])
redis.call('ZREM', KEYS[2], ARGV[2])
redis.call('HDEL', KEYS[1], ARGV[1])
return -tries
