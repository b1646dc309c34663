-- Puts a request's record to what its run's events say. KEYS: record, open requests, requests, clock.
-- ARGV: id, state, body. The version moves, so that whoever judged by the old record judges again.
local changed = redis.call('HGET', KEYS[1], 'body') ~= ARGV[3] or redis.call('HGET', KEYS[1], 'state') ~= ARGV[2]
local now = whole(now_ms(KEYS[4]))
redis.call('ZADD', KEYS[3], 'NX', now, ARGV[1])
if ARGV[2] == 'open' then redis.call('ZADD', KEYS[2], 'NX', now, ARGV[1]) else redis.call('ZREM', KEYS[2], ARGV[1]) end
if not changed then return 0 end
redis.call('HINCRBY', KEYS[1], 'version', 1)
redis.call('HSET', KEYS[1], 'state', ARGV[2], 'body', ARGV[3])
return 1
