-- Moves the end of an attempt's lease, or gives it up (lease 0). KEYS: attempts, wake.
-- ARGV: attempt, lease ms, wake member.
if redis.call('HGET', KEYS[1], 'holder') ~= ARGV[1] then return 0 end -- check: holder
local ends = whole(now_ms() + tonumber(ARGV[2]))
redis.call('HSET', KEYS[1], 'until', ends)
redis.call('ZADD', KEYS[2], ends, ARGV[3])
return 1
