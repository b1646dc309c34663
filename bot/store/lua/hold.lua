-- Lists an inbound item as held, and forgets its bytes. KEYS: item, its tries, wake, dead, held, clock.
-- ARGV: id, member, note, most. Of more than so many the oldest are forgotten, or strangers could fill the memory.
redis.call('HSET', KEYS[4], ARGV[1], ARGV[3])
redis.call('ZADD', KEYS[5], whole(now_ms(KEYS[6])), ARGV[1])
redis.call('DEL', KEYS[1])
redis.call('DEL', KEYS[2])
redis.call('ZREM', KEYS[3], ARGV[2])
local over = redis.call('ZCARD', KEYS[5]) - tonumber(ARGV[4])
if over > 0 then -- check: most
  local oldest = redis.call('ZPOPMIN', KEYS[5], over)
  for i = 1, #oldest, 2 do redis.call('HDEL', KEYS[4], oldest[i]) end
end
return 1
