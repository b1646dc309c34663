-- Writes all of it; or nothing, unless each key that it looks at, or field of a hash, has one of the values that it may.
-- KEYS: those that it looks at, then those that commands write. ARGV: how many it looks at, and of each its field or '',
-- how many values it may have, and these, '' for none; then of each command its name, the position of its key, how many
-- words follow, and these. Returns whether it wrote, and else what is there.
local at = 1
local function take(count)
  at = at + count
  return unpack(ARGV, at - count, at - 1)
end
for position = 1, tonumber(take(1)) do
  local field, count = take(2)
  local there
  if field == '' then there = redis.call('GET', KEYS[position]) else there = redis.call('HGET', KEYS[position], field) end
  there = there or ''
  local is_same = false
  for _ = 1, tonumber(count) do is_same = take(1) == there or is_same end
  if not is_same then return {0, there} end -- check: same
end
while at <= #ARGV do
  local name, position, count = take(3)
  redis.call(name, KEYS[tonumber(position)], take(tonumber(count)))
end
return {1, ''}
