-- Has a run wait for the end of a freeze, if that is still the one it has seen. KEYS: run, wake, frozen, waits.
-- ARGV: sequence, wake member, number of the freeze, request, when to look again in ms or ''.
if redis.call('XLEN', KEYS[1]) ~= tonumber(ARGV[1]) then return 0 end -- check: head
if (redis.call('HGET', KEYS[3], 'n') or '0') ~= ARGV[3] then return 0 end -- check: freeze
redis.call('SADD', KEYS[4], ARGV[4])
if ARGV[5] == '' then redis.call('ZREM', KEYS[2], ARGV[2]) else redis.call('ZADD', KEYS[2], ARGV[5], ARGV[2]) end
return 1
