-- Writes down a standing approval, once. KEYS: it, all of them, those of its person.
-- ARGV: id, body, uses, until in ms, for how long it is kept after that, most of a person that may be valid at once.
if redis.call('EXISTS', KEYS[1]) == 1 then return 'granted' end
local now = now_ms()
local over = whole(now - tonumber(ARGV[5]))
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', over)
redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', over)
if redis.call('ZCOUNT', KEYS[3], whole(now), '+inf') >= tonumber(ARGV[6]) then return 'full' end -- check: bounded
redis.call('HSET', KEYS[1], 'body', ARGV[2], 'uses', ARGV[3], 'until', ARGV[4], 'n', '0')
redis.call('PEXPIREAT', KEYS[1], whole(tonumber(ARGV[4]) + tonumber(ARGV[5])))
redis.call('ZADD', KEYS[2], ARGV[4], ARGV[1])
redis.call('ZADD', KEYS[3], ARGV[4], ARGV[1])
return 'granted'
