-- Counts a failure, and has it tried again twice as late each time. KEYS: tries of the item, wake, and of a run its events.
-- ARGV: member, wait ms, for how many ms to keep the count, 1 for a run. One that has moved on since its last failure begins
-- anew.
local at = ARGV[4] == '1' and redis.call('XLEN', KEYS[3]) or 0
if tonumber(redis.call('HGET', KEYS[1], 'at') or at) ~= at then redis.call('DEL', KEYS[1]) end -- check: moved_on
local tries, now = redis.call('HINCRBY', KEYS[1], 'count', 1), now_ms()
redis.call('HSET', KEYS[1], 'at', at, unpack(tries == 1 and {'since', whole(now)} or {}))
redis.call('PEXPIRE', KEYS[1], ARGV[3])
redis.call('ZADD', KEYS[2], whole(now + tonumber(ARGV[2]) * 2 ^ math.min(tries - 1, 8)), ARGV[1])
return tries
