-- Pushes what nobody took, or is due now, and puts it off, so that it comes again if it is lost on the way as well.
-- KEYS: wake, clock, ready. ARGV: grace ms, at most. Returns what was pushed. Where nothing waits, everybody is in turn
-- again.
if redis.call('EXISTS', KEYS[3]) == 0 then redis.call('DEL', KEYS[3] .. ':turns') end -- check: in_turn
local now = now_ms(KEYS[2])
local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', whole(now), 'LIMIT', 0, tonumber(ARGV[2]))
for _, member in ipairs(due) do
  redis.call('ZADD', KEYS[1], whole(now + tonumber(ARGV[1])), member)
  push_ready(KEYS[3], now, member)
end
return due
