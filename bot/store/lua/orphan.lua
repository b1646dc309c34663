-- Takes the lease from a dead owner, or back from the one that asks. KEYS: run, attempts, wake, clock.
-- ARGV: attempt, event, wake member, grace ms, 1 from its owner.
local holder, ends = unpack(redis.call('HMGET', KEYS[2], 'holder', 'until'))
if holder ~= ARGV[1] then return {'conflict', 0} end -- check: holder
if ARGV[5] ~= '1' and now_ms(KEYS[4]) < tonumber(ends) then return {'alive', ends} end -- check: alive
local head = redis.call('XLEN', KEYS[1]) + 1
redis.call('XADD', KEYS[1], '0-' .. whole(head), 'e', ARGV[2], 'c', ARGV[1])
note_audit(KEYS[1], head, 1)
redis.call('HSET', KEYS[2], ARGV[1], 'orphaned')
redis.call('HDEL', KEYS[2], 'holder', 'until')
redis.call('ZADD', KEYS[3], whole(now_ms(KEYS[4]) + tonumber(ARGV[4])), ARGV[3])
tell_changed(KEYS[1])
return {'committed', head}
