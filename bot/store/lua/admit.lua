-- Counts a trigger against its sender's limit, once per trigger. KEYS: window.
-- ARGV: trigger, at most, per ms. What is too old to count is dropped where that matters, or is much.
local MUCH = 100
local now, most = now_ms(), tonumber(ARGV[2])
if redis.call('ZADD', KEYS[1], 'NX', whole(now), ARGV[1]) == 0 then return 1 end
local count = redis.call('ZCARD', KEYS[1])
if count > math.min(most, MUCH) then
  count = count - redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', whole(now - tonumber(ARGV[3])))
end
local function one_too_many()
  redis.call('ZREM', KEYS[1], ARGV[1])
  return 0
end
if count > most then return one_too_many() end -- check: rate
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1
