-- Gives something up: no more tries, and a note in the dead letters. KEYS: tries of the item, wake, dead, clock, then for
-- a message: messages that were given up, outbox. ARGV: id, member, note, most. Of more than so many messages the oldest
-- are forgotten, unless somebody has them done again. Returns those.
redis.call('HSET', KEYS[3], ARGV[1], ARGV[3])
redis.call('ZREM', KEYS[2], ARGV[2])
redis.call('DEL', KEYS[1])
local forgotten = {}
if not KEYS[5] then return forgotten end
redis.call('ZADD', KEYS[5], whole(now_ms(KEYS[4])), ARGV[1])
local over = redis.call('ZCARD', KEYS[5]) - tonumber(ARGV[4])
if over > 0 then -- check: most
  local oldest = redis.call('ZPOPMIN', KEYS[5], over)
  for i = 1, #oldest, 2 do
    local is_dead = redis.call('HDEL', KEYS[3], oldest[i]) == 1
    if is_dead then -- check: requeued
      redis.call('HDEL', KEYS[6], oldest[i])
      redis.call('DEL', string.match(KEYS[3], '^(.-):dead$') .. ':inbound:' .. oldest[i])
      forgotten[#forgotten + 1] = oldest[i]
    end
  end
end
return forgotten
