-- Counts a trigger against its sender's limit, once per trigger. KEYS: window, clock. ARGV: trigger, at most, per ms.
local now = now_ms(KEYS[2])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', whole(now - tonumber(ARGV[3])))
if redis.call('ZSCORE', KEYS[1], ARGV[1]) then return 1 end
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[2]) then return 0 end -- check: rate
redis.call('ZADD', KEYS[1], whole(now), ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1
