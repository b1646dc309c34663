-- Pushes what nobody took, or is due now, and puts it off, so that it comes again if it is lost on the way as well.
-- KEYS: wake, clock, ready. ARGV: grace ms, at most, then the kinds of work of this release: what is of no such kind
-- stays where it is, for a release that knows it. Returns what was pushed and what stays. Where nothing waits, everybody
-- is in turn again.
if redis.call('EXISTS', KEYS[3]) == 0 then redis.call('DEL', KEYS[3] .. ':turns') end -- check: in_turn
local now, pushed, left = now_ms(KEYS[2]), {}, {}
local kinds = {}
for position = 3, #ARGV do kinds[ARGV[position]] = true end
local offset, most = 0, tonumber(ARGV[2])
repeat
  local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', whole(now), 'LIMIT', offset, most - #pushed)
  for _, member in ipairs(due) do
    local is_known = true
    is_known = kinds[string.match(member, '^%S*')] -- check: known
    if is_known then
      redis.call('ZADD', KEYS[1], whole(now + tonumber(ARGV[1])), member)
      push_ready(KEYS[3], now, member)
      pushed[#pushed + 1] = member
    else
      left[#left + 1] = member
    end
  end
  offset = #left
until #due == 0 or #pushed >= most
return {pushed, left}
