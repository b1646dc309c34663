-- Counts a trigger against its sender's limit, once per trigger. KEYS: window, clock.
-- ARGV: trigger, at most, per ms, about now or ''.
local now = tonumber(ARGV[4]) or now_ms(KEYS[2])
if redis.call('ZADD', KEYS[1], 'NX', whole(now), ARGV[1]) == 0 then return 1 end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', whole(now - tonumber(ARGV[3])))
if redis.call('ZCARD', KEYS[1]) > tonumber(ARGV[2]) then -- check: rate
  redis.call('ZREM', KEYS[1], ARGV[1])
  return 0
end
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1
