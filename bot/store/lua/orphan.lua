-- Takes the lease from a dead owner, or back from the one that asks. KEYS: run, attempts, wake, and the
-- record of the request that it has not begun, and what waits approved. ARGV: attempt, event, wake member, grace ms, 1
-- from its owner; the number of events that the caller has read, or none; the record's version or '' and its new body, the
-- request where it waits again or '', run id.
local holder, ends = unpack(redis.call('HMGET', KEYS[2], 'holder', 'until'))
if holder ~= ARGV[1] then return {'conflict', 0} end -- check: holder
if ARGV[5] == '1' and redis.call('HGET', KEYS[2], ARGV[1]) == 'told' then return {'conflict', 0} end -- check: told
if ARGV[5] ~= '1' and now_ms() < tonumber(ends) then return {'alive', ends} end -- check: alive
if ARGV[6] ~= '' and redis.call('XLEN', KEYS[1]) ~= tonumber(ARGV[6]) then return {'changed', 0} end -- check: sequence
local known = ARGV[7] ~= ''
if known and redis.call('HGET', KEYS[4], 'version') ~= ARGV[7] then return {'changed', 0} end -- check: version
local head = redis.call('XLEN', KEYS[1]) + 1
redis.call('XADD', KEYS[1], '0-' .. whole(head), 'e', ARGV[2], 'c', ARGV[1])
note_audit(ARGV[10], head, 1)
redis.call('HSET', KEYS[2], ARGV[1], 'orphaned')
redis.call('HDEL', KEYS[2], 'holder', 'until')
redis.call('ZADD', KEYS[3], whole(now_ms() + tonumber(ARGV[4])), ARGV[3])
if known then redis.call('HSET', KEYS[4], 'version', whole(tonumber(ARGV[7]) + 1), 'body', ARGV[8]) end
if ARGV[9] ~= '' then redis.call('SADD', KEYS[5], ARGV[9]) end -- check: waits
tell_changed(ARGV[10])
return {'committed', head}
