-- What people's lists go by. Nothing decides by it.

-- Keeps a run's line. It is in four lists, and in none of the other states; their keys stand in this order from
-- KEYS[first] to the last one. What an earlier line of it says it is in need not be written again, unless all of it is
-- made `anew`; it has no earlier one if `is_first`. Returns whether the line is another one.
local function list_run(summaries, first, run, at, line, anew, is_first)
  local before = not is_first and redis.call('HGET', summaries, run)
  if before == line and not anew then return false end
  redis.call('HSET', summaries, run, line)
  local was = not anew and string.match(before or '', '"state":"([a-z_]+)"')
  local function is_of(position) return string.sub(KEYS[position], -#was - 1) == ':' .. was end
  if was and is_of(first + 3) then return true end
  for position = was and first + 3 or first, first + 3 do redis.call('ZADD', KEYS[position], at, run) end
  for position = first + 4, before and #KEYS or 0 do
    if not was or is_of(position) then redis.call('ZREM', KEYS[position], run) end -- check: one_state
  end
  return true
end

-- Tells whoever watches lists that a run changed: a hint that may be lost, so a server that forbids it changes nothing.
local function tell_changed(run_key)
  local shard, run = string.match(run_key, '^(.-):run:(.*)$')
  redis.pcall('PUBLISH', shard .. ':changed', run)
end
