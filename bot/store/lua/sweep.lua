-- Pushes what nobody took, or is due now, and puts it off, so that it comes again if it is lost on the way as well.
-- KEYS: wake, ready, messages. ARGV: grace ms, at most. Returns what was pushed. Where nothing waits, everybody is in turn
-- again.
if redis.call('EXISTS', KEYS[2], KEYS[3]) == 0 then redis.call('DEL', turns) end -- check: in_turn
local now = now_ms()
local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', whole(now), 'LIMIT', 0, tonumber(ARGV[2]))
for _, member in ipairs(due) do
  redis.call('ZADD', KEYS[1], whole(now + tonumber(ARGV[1])), member)
  push_ready(string.match(member, '^in ') and KEYS[3] or KEYS[2], now, member)
end
return due
