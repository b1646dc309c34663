-- What nobody took, or is due now; each is put off so that it comes again if this hand-over is lost too.
-- KEYS: wake, clock. ARGV: grace ms, at most.
local now = now_ms(KEYS[2])
local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', whole(now), 'LIMIT', 0, ARGV[2])
for _, member in ipairs(due) do redis.call('ZADD', KEYS[1], whole(now + tonumber(ARGV[1])), member) end
return due
