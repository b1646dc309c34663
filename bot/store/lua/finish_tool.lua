-- Keeps what an attempt gave, wherever the run is now. KEYS: run, attempts, wake, then its files.
-- ARGV: attempt, event, wake member, grace ms, run id, for how many ms files are kept, then their bytes.
local state, holder = unpack(redis.call('HMGET', KEYS[2], ARGV[1], 'holder'))
if not state then return {'gone', 0} end -- check: attempt
if state == 'finished' then return {'committed', redis.call('XLEN', KEYS[1])} end -- check: finished
local head = redis.call('XLEN', KEYS[1]) + 1
redis.call('XADD', KEYS[1], '0-' .. whole(head), 'e', ARGV[2], 'c', ARGV[1])
note_audit(ARGV[5], head, 1)
redis.call('HSET', KEYS[2], ARGV[1], 'finished')
for position = 7, #ARGV do redis.call('SET', KEYS[position - 3], ARGV[position], 'PX', ARGV[6]) end
if holder == ARGV[1] then redis.call('HDEL', KEYS[2], 'holder', 'until') end
redis.call('ZADD', KEYS[3], whole(now_ms() + tonumber(ARGV[4])), ARGV[3])
tell_changed(ARGV[5])
return {'committed', head}
